package io.lockkeeper.coordination;

import io.lockkeeper.environment.EnvironmentName;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * An acquire that made no run, because of how things stand in its environments.
 *
 * @param environments that it named
 * @param unknown those of them that do not exist
 */
public record Refusal(List<EnvironmentName> environments, Set<EnvironmentName> unknown, Code code, String caller) {

    /** Why, as the problem details that the caller gets. */
    public enum Code {
        LOCK_HELD,
        FROZEN,
        QUARANTINED,
        APPROVAL_REQUIRED,
        PROMOTION_REQUIRED;

        public String label() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    static Optional<Refusal> of(AcquireRequest request, Snapshot snapshot, Verdict verdict) {
        return code(verdict)
                .map(code -> new Refusal(
                        request.environments(),
                        request.environments().stream()
                                .filter(environment ->
                                        !snapshot.environment(environment).known())
                                .collect(Collectors.toSet()),
                        code,
                        request.caller()));
    }

    private static Optional<Code> code(Verdict verdict) {
        return switch (verdict) {
            case Verdict.Held _ -> Optional.of(Code.LOCK_HELD);
            case Verdict.HeldBackNow heldBack ->
                Optional.of(
                        switch (heldBack.why()) {
                            case HeldBack.ByFreeze _ -> Code.FROZEN;
                            case HeldBack.ByQuarantine _ -> Code.QUARANTINED;
                        });
            case Verdict.ApprovalRequired _ -> Optional.of(Code.APPROVAL_REQUIRED);
            case Verdict.PromotionRequired _ -> Optional.of(Code.PROMOTION_REQUIRED);
            default -> Optional.empty();
        };
    }
}
