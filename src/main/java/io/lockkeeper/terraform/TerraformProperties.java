package io.lockkeeper.terraform;

import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.validation.annotation.Validated;

/**
 * Terraform's HTTP backend.
 *
 * @param leaseSeconds How long a lock is kept after Terraform was heard last, which sends no heartbeats: longer than the longest apply between two
 *     writes of the state.
 * @param presenceSeconds How long a waiting Terraform keeps its place without asking again, and a lock that became free is kept for it. Terraform
 *     asks every 16 seconds at the latest.
 * @param maxStateBytes How large a state may be.
 * @param stateKeys The secrets that states are encrypted with, at least 32 printable ASCII characters each, at most 4, with commas between
 *     them. The first encrypts, those of all can be read.
 */
@ConfigurationProperties("lockkeeper.terraform")
@Validated
public record TerraformProperties(
        @Min(5) @Max(86_400) @DefaultValue("7200") int leaseSeconds,
        @Min(20) @Max(3_600) @DefaultValue("30") int presenceSeconds,

        @Min(1_024) @Max(67_108_864) @DefaultValue("16777216")
        int maxStateBytes,

        @Nullable List<String> stateKeys) {

    List<String> stateKeysOrNone() {
        return Objects.requireNonNullElse(stateKeys, List.of());
    }

    /** Without the secrets: properties are printed in places nobody thinks of. */
    @Override
    public String toString() {
        return "TerraformProperties[leaseSeconds=" + leaseSeconds + ", presenceSeconds=" + presenceSeconds
                + ", maxStateBytes=" + maxStateBytes + "]";
    }
}
