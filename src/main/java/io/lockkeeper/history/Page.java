package io.lockkeeper.history;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One page of a list that is newest first.
 *
 * @param items may be fewer than were asked for although there are more: what the filters left of the rows that one call looks at
 * @param nextBefore what to give as {@code before} to go on; null when there is nothing older
 */
public record Page<T>(List<T> items, @Nullable Long nextBefore) {
    public Page {
        items = List.copyOf(items);
    }

    /** Whether there is nothing at all. */
    public boolean hasNothing() {
        return items.isEmpty() && nextBefore == null;
    }
}
