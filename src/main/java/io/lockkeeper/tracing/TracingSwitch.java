package io.lockkeeper.tracing;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.EnvironmentPostProcessor;
import org.springframework.boot.SpringApplication;
import org.springframework.core.Ordered;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.MapPropertySource;

/** Traces are made when somebody says where they go, and else nothing that would make them is. */
final class TracingSwitch implements EnvironmentPostProcessor, Ordered {
    private static final String OURS = "lockkeeper.tracing.endpoint";
    private static final String FRAMEWORKS = "management.opentelemetry.tracing.export.otlp.endpoint";

    /** The variables of OpenTelemetry, which the framework maps to its own setting. */
    private static final List<String> STANDARD =
            List.of("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");

    /** What would make spans, and throw them away. */
    private static final String MAKERS = String.join(
            ",",
            "org.springframework.boot.micrometer.tracing.autoconfigure.MicrometerTracingAutoConfiguration",
            "org.springframework.boot.micrometer.tracing.autoconfigure.NoopTracerAutoConfiguration",
            "org.springframework.boot.micrometer.tracing.opentelemetry.autoconfigure.OpenTelemetryTracingAutoConfiguration",
            "org.springframework.boot.micrometer.tracing.opentelemetry.autoconfigure.otlp.OtlpTracingAutoConfiguration",
            "org.springframework.boot.opentelemetry.autoconfigure.OpenTelemetrySdkAutoConfiguration",
            "org.springframework.boot.opentelemetry.autoconfigure.logging.OpenTelemetryLoggingAutoConfiguration",
            "org.springframework.boot.opentelemetry.autoconfigure.logging.otlp.OtlpLoggingAutoConfiguration");

    @Override
    public void postProcessEnvironment(ConfigurableEnvironment environment, SpringApplication application) {
        String endpoint = value(environment, OURS);
        Map<String, Object> settings;
        if (endpoint != null) {
            settings = Map.of(FRAMEWORKS, endpoint);
        } else if (Stream.concat(Stream.of(FRAMEWORKS), STANDARD.stream())
                .map(name -> value(environment, name))
                .anyMatch(Objects::nonNull)) {
            settings = Map.of();
        } else {
            settings = Map.of("spring.autoconfigure.exclude", MAKERS, "management.tracing.export.enabled", "false");
        }
        environment.getPropertySources().addLast(new MapPropertySource("lockkeeper tracing", settings));
    }

    private static @Nullable String value(ConfigurableEnvironment environment, String name) {
        String value = environment.getProperty(name);
        return value == null || value.isBlank() ? null : value;
    }

    /** Behind the framework's, which read the configuration files and map the variables. */
    @Override
    public int getOrder() {
        return LOWEST_PRECEDENCE;
    }
}
