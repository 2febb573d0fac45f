package io.lockkeeper.page;

import io.lockkeeper.history.PastRun;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * An ended or pending run as a line of a table.
 *
 * @param outcome the status label, which a style is named for
 * @param waited from its creation to its grant; null when it was never granted
 * @param duration from its grant to its end; null before that
 * @param bar its duration in percent of the longest one in the same table
 */
record PastDeployment(
        long run,
        String environments,
        String outcome,
        String outcomeInWords,
        @Nullable String reason,
        String who,
        @Nullable String title,
        @Nullable String tier,
        @Nullable String sha,
        @Nullable String repository,
        @Nullable String runUrl,
        String created,
        @Nullable String completed,
        @Nullable String waited,
        @Nullable String duration,
        long bar) {

    static List<PastDeployment> of(List<PastRun> runs) {
        long longest = runs.stream()
                .map(PastRun::durationSeconds)
                .filter(Objects::nonNull)
                .mapToLong(Long::longValue)
                .max()
                .orElse(1);
        return runs.stream().map(run -> of(run, Math.max(1, longest))).toList();
    }

    private static PastDeployment of(PastRun run, long longest) {
        Long duration = run.durationSeconds();
        return new PastDeployment(
                run.id(),
                String.join(", ", run.environments()),
                run.status(),
                Words.status(run.status()),
                run.reason(),
                Words.who(run.user()),
                run.title(),
                run.tier(),
                Words.sha(run.sha()),
                run.repository(),
                run.runUrl(),
                Words.at(run.created()),
                run.completed() == null ? null : Words.at(run.completed()),
                run.waitSeconds() == null ? null : Words.duration(run.waitSeconds()),
                duration == null ? null : Words.duration(duration),
                duration == null ? 0 : Math.max(1, duration * 100 / longest));
    }
}
