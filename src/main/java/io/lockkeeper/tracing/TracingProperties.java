package io.lockkeeper.tracing;

import jakarta.validation.constraints.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.validation.annotation.Validated;

/**
 * Where traces go. {@link TracingSwitch} has read it before there is anything that could be given this record, which checks it.
 *
 * @param endpoint The address that takes traces by OTLP over HTTP, such as http://localhost:4318/v1/traces. Without it there are none.
 */
@ConfigurationProperties("lockkeeper.tracing")
@Validated
record TracingProperties(
        @Pattern(regexp = "https?://\\S+", message = "must be an http:// or https:// address") @Nullable
        String endpoint) {}
