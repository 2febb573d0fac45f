package io.lockkeeper.tracing;

import io.micrometer.common.KeyValue;
import io.micrometer.common.KeyValues;
import jakarta.servlet.http.HttpServletRequest;
import java.util.Map;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.server.observation.DefaultServerRequestObservationConvention;
import org.springframework.http.server.observation.ServerRequestObservationContext;
import org.springframework.http.server.observation.ServerRequestObservationConvention;
import org.springframework.web.servlet.HandlerMapping;

@Configuration(proxyBeanMethods = false)
@ConditionalOnProperty("management.opentelemetry.tracing.export.otlp.endpoint")
class TracingConfiguration {

    @Bean
    ServerRequestObservationConvention requestSpans() {
        return new RequestSpans();
    }

    /** A span's attributes that metrics must not have: which run and which environment the path names. Nothing of body or query is in it. */
    private static final class RequestSpans extends DefaultServerRequestObservationConvention {
        private static final Map<String, String> ATTRIBUTES =
                Map.of("environment", "lockkeeper.environment", "id", "lockkeeper.id");

        @Override
        public KeyValues getHighCardinalityKeyValues(ServerRequestObservationContext context) {
            KeyValues all = super.getHighCardinalityKeyValues(context);
            HttpServletRequest request = context.getCarrier();
            Object variables =
                    request == null ? null : request.getAttribute(HandlerMapping.URI_TEMPLATE_VARIABLES_ATTRIBUTE);
            if (variables instanceof Map<?, ?> named) {
                for (var attribute : ATTRIBUTES.entrySet()) {
                    if (named.get(attribute.getKey()) instanceof String value) {
                        all = all.and(KeyValue.of(attribute.getValue(), value));
                    }
                }
            }
            return all;
        }
    }
}
