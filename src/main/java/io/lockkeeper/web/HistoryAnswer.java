package io.lockkeeper.web;

import com.fasterxml.jackson.annotation.JsonUnwrapped;
import io.lockkeeper.history.Page;
import io.lockkeeper.history.PastRun;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/** A page of the history as JSON has it, and flat for a shell, with a sentence for each run. */
record HistoryAnswer(@JsonUnwrapped Page<PastRun> page) implements PlainAnswer {

    @Override
    public SequencedMap<String, ? extends @Nullable Object> plain() {
        SequencedMap<String, @Nullable Object> plain = new LinkedHashMap<>();
        int number = 1;
        for (PastRun run : page.items()) {
            plain.put("deployment_" + number++, sentence(run));
        }
        plain.put("next_before", page.nextBefore());
        return plain;
    }

    /** Begins with when the run was made, its number and its status, so that a list of them can be skimmed. */
    private static String sentence(PastRun run) {
        StringBuilder sentence = new StringBuilder()
                .append(run.created().truncatedTo(ChronoUnit.SECONDS))
                .append(" run ")
                .append(run.id())
                .append(' ')
                .append(run.status())
                .append(run.sha() == null ? "" : " of " + run.sha())
                .append(" in ")
                .append(String.join(", ", run.environments()))
                .append(run.user() == null ? "" : " (" + run.user() + ")")
                .append(run.title() == null ? "" : ", " + run.title());
        if (run.durationSeconds() != null) {
            sentence.append(", took ").append(words(run.durationSeconds()));
        }
        if (run.waitSeconds() != null && run.waitSeconds() > 0) {
            sentence.append(", waited ").append(words(run.waitSeconds()));
        }
        if (run.shippedBy() != null) {
            sentence.append(", shipped by run ").append(run.shippedBy());
        } else if (Boolean.TRUE.equals(run.covered())) {
            sentence.append(", covered by run ").append(run.batchedInto());
        } else if (run.supersededBy() != null) {
            sentence.append(", superseded by run ").append(run.supersededBy());
        } else if (run.completed() != null && !"success".equals(run.status()) && run.reason() != null) {
            sentence.append(": ").append(run.reason());
        }
        return sentence.toString();
    }

    private static String words(long seconds) {
        return Sentences.duration(Duration.ofSeconds(seconds));
    }
}
