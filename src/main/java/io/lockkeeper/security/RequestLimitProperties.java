package io.lockkeeper.security;

import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.validation.annotation.Validated;

/**
 * How much one client may ask of a replica.
 *
 * @param requestsPerSecond Requests of one token a second, in the long run; twice as many at once. Also those without a token from one
 *     address. 0 switches all limits on requests off.
 */
@ConfigurationProperties("lockkeeper.limits")
@Validated
record RequestLimitProperties(
        @Min(0) @Max(100_000) @DefaultValue("100") int requestsPerSecond) {}
