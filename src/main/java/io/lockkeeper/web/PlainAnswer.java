package io.lockkeeper.web;

import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/** An answer that a shell can read: beside its JSON it has a flat form, written when the client prefers {@code text/plain}. */
public interface PlainAnswer {

    /**
     * The keys that apply to this answer, in the order they are written, each in snake_case. A value is written with {@code
     * toString}, an {@link java.time.Instant} like in JSON, an enum in snake_case; a key whose value is null is left out.
     */
    SequencedMap<String, ? extends @Nullable Object> plain();
}
