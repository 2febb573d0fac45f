package io.lockkeeper.web;

import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.validation.annotation.Validated;

/**
 * How a replica takes its leave.
 *
 * @param drainSeconds For how long a replica that was told to stop goes on answering while it already says that it is not ready. Longer than
 *     load balancers take to notice; 0 where there is none.
 */
@ConfigurationProperties("lockkeeper.shutdown")
@Validated
public record ShutdownProperties(
        @Min(0) @Max(300) @DefaultValue("0") int drainSeconds) {}
