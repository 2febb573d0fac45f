package io.lockkeeper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockkeeper.database.StartupRefused;
import io.lockkeeper.environment.DeclaredEnvironments;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.environment.PolicyDeclaration;
import jakarta.validation.Validation;
import jakarta.validation.ValidatorFactory;
import java.util.Map;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.context.properties.source.ConfigurationPropertySources;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.env.SystemEnvironmentPropertySource;

/** What is read from environment variables; files and arguments are seen to in {@code StartupIT}. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class DeclaredEnvironmentsConfigurationTest {

    @Test
    void policy_is_read_from_environment_variables() {
        DeclaredEnvironments declared = declare(Map.of(
                "LOCKKEEPER_ENVIRONMENTS_AUTOCREATE", "false",
                "LOCKKEEPER_ENVIRONMENTS_PRODUCTION_LEASESECONDS", "600",
                "LOCKKEEPER_ENVIRONMENTS_PRODUCTION_APPROVERS_0", "alice",
                "LOCKKEEPER_ENVIRONMENTS_PRODUCTION_PROTECTED", "true"));

        assertThat(declared.areCreatedByAcquire()).isFalse();
        var production =
                declared.declarations().getOrDefault(new EnvironmentName("production"), PolicyDeclaration.EMPTY);
        assertThat(production.leaseSeconds()).isEqualTo(600);
        assertThat(production.approvers()).containsExactly("alice");
        assertThat(production.isProtected()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "LOCKKEEPER_ENVIRONMENTS_PRODUCTION_LEESESECONDS",
                "LOCKKEEPER_ENVIRONMENTS_PRODUCTION_LEASE_SECONDS",
                "LOCKKEEPER_ENVIRONMENTS_PRODUCTION_FREEZEWINDOWS_0_CRONE",
                "LOCKKEEPER_ENVIRONMENTS_LEASESECONDS",
                "LOCKKEEPER_ENVIRONMENTS_PREPROD_EU_LEASESECONDS"
            })
    void variable_that_would_be_passed_over_is_refused_by_name(String variable) {
        assertThatThrownBy(() -> declare(Map.of(variable, "60")))
                .isInstanceOf(StartupRefused.class)
                .hasMessageContaining("The environment variable " + variable + " is not the name of an environment");
    }

    private static DeclaredEnvironments declare(Map<String, Object> variables) {
        StandardEnvironment settings = new StandardEnvironment();
        settings.getPropertySources().remove(StandardEnvironment.SYSTEM_PROPERTIES_PROPERTY_SOURCE_NAME);
        settings.getPropertySources()
                .replace(
                        StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME,
                        new SystemEnvironmentPropertySource(
                                StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME, variables));
        ConfigurationPropertySources.attach(settings);
        try (ValidatorFactory validators = Validation.buildDefaultValidatorFactory()) {
            return new DeclaredEnvironmentsConfiguration().declaredEnvironments(settings, validators.getValidator());
        }
    }
}
