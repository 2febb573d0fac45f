package io.lockkeeper.metrics;

import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.validation.annotation.Validated;

/**
 * Bounds of what the metrics cost.
 *
 * @param cacheSeconds For how long what was read from the database for gauges is shown, however often it is scraped.
 * @param maxEnvironments How many environments have a label value of their own; the others share one.
 * @param maxTiers The same for tiers.
 */
@ConfigurationProperties("lockkeeper.metrics")
@Validated
public record MetricsProperties(
        @Min(1) @Max(300) @DefaultValue("5") int cacheSeconds,
        @Min(1) @Max(1000) @DefaultValue("100") int maxEnvironments,
        @Min(1) @Max(100) @DefaultValue("10") int maxTiers) {

    Duration cache() {
        return Duration.ofSeconds(cacheSeconds);
    }
}
