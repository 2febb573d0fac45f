package io.lockkeeper;

import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.validation.annotation.Validated;

/**
 * How long the queue believes in clients that say nothing.
 *
 * @param presenceSeconds A queued run whose client has not asked for this long is abandoned. Longer than the longest wait of one call.
 * @param pickupSeconds A grant that its client has not noticed for this long lapses and goes to the next.
 */
@ConfigurationProperties("lockkeeper.queue")
@Validated
public record QueueProperties(
        @Min(1) @Max(86_400) @DefaultValue("120") int presenceSeconds,
        @Min(1) @Max(86_400) @DefaultValue("60") int pickupSeconds) {}
