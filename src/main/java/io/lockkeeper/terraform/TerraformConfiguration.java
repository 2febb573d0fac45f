package io.lockkeeper.terraform;

import io.lockkeeper.database.OwnDatabase;
import io.lockkeeper.security.StateKeys;
import io.lockkeeper.web.BodyLimit;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpMethod;
import org.springframework.security.web.servlet.util.matcher.PathPatternRequestMatcher;

@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(TerraformProperties.class)
class TerraformConfiguration {

    /** With an embedded database and no key configured, one is made and kept beside it: who copies one copies the other. */
    @Bean
    StateCipher stateCipher(TerraformProperties properties, ObjectProvider<OwnDatabase> ownDatabase) {
        OwnDatabase own = ownDatabase.getIfAvailable();
        return new StateCipher(StateKeys.read(properties.stateKeysOrNone(), own == null ? null : own.dataDirectory()));
    }

    /** A state is the one body that may be large. */
    @Bean
    BodyLimit stateLimit(TerraformProperties properties) {
        return new BodyLimit(
                PathPatternRequestMatcher.pathPattern(HttpMethod.POST, "/api/terraform/{environment}"),
                properties.maxStateBytes());
    }
}
