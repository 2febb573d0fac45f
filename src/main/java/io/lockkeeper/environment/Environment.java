package io.lockkeeper.environment;

import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * An environment as a transition sees it.
 *
 * @param known false when no run has named it yet: the first acquire creates it
 * @param declaredIn null when an acquire made it and nobody has said more
 * @param nextLockGroup where it moves when the run that holds its lock has ended, by the configuration; null when it stays
 * @param frozen by hand; null when not
 * @param frozenEverywhere by the freeze of all environments; null when not
 * @param quarantine null when in none
 * @param lastDeploymentStopped whether the last deployment was stopped in favour of a newer run
 * @param promotableSha what was last deployed with success where the policy promotes from; null when nothing was
 * @param hasSucceeded whether the sha of the request was deployed here with success before
 */
public record Environment(
        EnvironmentName name,
        LockGroup lockGroup,
        @Nullable LockGroup nextLockGroup,
        EnvironmentPolicy policy,
        boolean known,
        @Nullable DeclaredIn declaredIn,
        @Nullable Freeze frozen,
        @Nullable Freeze frozenEverywhere,
        @Nullable Quarantine quarantine,
        boolean lastDeploymentStopped,
        @Nullable String promotableSha,
        boolean hasSucceeded) {

    /** One that is not stored yet. */
    public static Environment unknown(
            EnvironmentName name, @Nullable Freeze frozen, @Nullable Freeze frozenEverywhere) {
        return new Environment(
                name,
                new LockGroup(name.value()),
                null,
                EnvironmentPolicy.DEFAULT,
                false,
                null,
                frozen,
                frozenEverywhere,
                null,
                false,
                null,
                false);
    }

    /**
     * The freeze that holds grants back at this instant: of those by hand and that of an environment which is about to move the one that lasts
     * longer, or else a window of the policy.
     */
    public Optional<Freeze> freezeAt(Instant at) {
        return Stream.of(frozen, frozenEverywhere, moving())
                .filter(Objects::nonNull)
                .filter(freeze -> freeze.holdsAt(at))
                .reduce((one, other) -> other.outlasts(one) ? other : one)
                .or(() -> window(at));
    }

    private @Nullable Freeze moving() {
        return nextLockGroup == null
                ? null
                : new Freeze(
                        "its lock group becomes " + nextLockGroup + " when the running deployment has ended",
                        null,
                        "the configuration",
                        false);
    }

    private Optional<Freeze> window(Instant at) {
        return policy.freezeWindows().stream()
                .flatMap(window ->
                        window.endIfWithin(at).map(end -> new Freeze(window.reason(), end, null, false)).stream())
                .findFirst();
    }
}
