package io.lockkeeper.web;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.lockkeeper.web.RunAnswer.HolderView;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * An action is done.
 *
 * @param outcome one word for programs
 * @param message a sentence for people
 * @param holder who still holds the lock, when it takes a second admin to release it
 */
public record Done(
        String outcome,
        String message,

        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable HolderView holder) implements PlainAnswer {

    Done(String outcome, String message) {
        this(outcome, message, null);
    }

    @Override
    public SequencedMap<String, ? extends @Nullable Object> plain() {
        SequencedMap<String, @Nullable Object> plain = new LinkedHashMap<>();
        plain.put("outcome", outcome);
        plain.put("message", message);
        return plain;
    }
}
