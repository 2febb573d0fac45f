package io.lockkeeper.health;

import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.validation.annotation.Validated;

/**
 * How environments with a health URL are probed.
 *
 * @param intervalSeconds How often each is asked.
 * @param timeoutSeconds How long its whole answer may take, name look-up included.
 */
@ConfigurationProperties("lockkeeper.health")
@Validated
public record HealthProperties(
        @Min(5) @Max(3600) @DefaultValue("30") int intervalSeconds,
        @Min(1) @Max(30) @DefaultValue("5") int timeoutSeconds) {
    /** A result has this long to be stored before its environment is due again. */
    private static final Duration STORING = Duration.ofSeconds(2);

    private static final int MISSED = 3;

    Duration timeout() {
        return Duration.ofSeconds(timeoutSeconds);
    }

    /** The interval, unless a probe may take longer: an environment is not asked anew while it is being asked. */
    Duration pause() {
        Duration interval = Duration.ofSeconds(intervalSeconds);
        Duration longestProbe = timeout().plus(STORING);
        return interval.compareTo(longestProbe) < 0 ? longestProbe : interval;
    }

    /** A result older than this says nothing any more: three probes in a row have not happened. */
    public Duration staleAfter() {
        return pause().multipliedBy(MISSED);
    }
}
