package io.lockkeeper.notify;

import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.validation.annotation.Validated;

/**
 * Bounds of what a replica takes on.
 *
 * @param waitingCalls Calls of one caller, a token or an identity, that may wait in one replica at a time, streams of events included; one
 *     more is refused with too-many-waiting.
 * @param waitingCallsTotal The same for the calls of all callers together.
 */
@ConfigurationProperties("lockkeeper.limits")
@Validated
public record WaitingProperties(
        @Min(1) @Max(100_000) @DefaultValue("1000") int waitingCalls,
        @Min(1) @Max(100_000) @DefaultValue("10000") int waitingCallsTotal) {}
