package io.lockkeeper.history;

import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.validation.annotation.Validated;

/**
 * How long the past is kept. What is older is deleted within the hour.
 *
 * @param runsDays Ended runs, counted from their end. One that a kept run or an environment names is kept with it.
 * @param auditDays The audit trail.
 * @param eventsDays The events.
 */
@ConfigurationProperties("lockkeeper.retention")
@Validated
public record RetentionProperties(
        @Min(1) @Max(3650) @DefaultValue("90") int runsDays,
        @Min(1) @Max(3650) @DefaultValue("400") int auditDays,
        @Min(1) @Max(3650) @DefaultValue("7") int eventsDays) {}
