package io.lockkeeper.event;

import java.util.Comparator;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A place in the order of events, such as {@code 771-42}: that of an event, or one between two.
 *
 * @param transaction the number of the transaction that wrote the event
 * @param id the event's number, above 0; 0 stands before all events of the transaction
 */
public record EventId(long transaction, long id) implements Comparable<EventId> {
    private static final Pattern TEXT = Pattern.compile("(\\d{1,18})-(\\d{1,18})");
    private static final Comparator<EventId> ORDER =
            Comparator.comparingLong(EventId::transaction).thenComparingLong(EventId::id);

    public EventId {
        if (transaction < 0 || id < 0) {
            throw new IllegalArgumentException("there are no negative numbers here: " + transaction + "-" + id);
        }
    }

    /** Empty when the text is none that {@link #toString} made. */
    public static Optional<EventId> parse(String text) {
        Matcher matcher = TEXT.matcher(text);
        return matcher.matches()
                ? Optional.of(new EventId(Long.parseLong(matcher.group(1)), Long.parseLong(matcher.group(2))))
                : Optional.empty();
    }

    @Override
    public int compareTo(EventId other) {
        return ORDER.compare(this, other);
    }

    @Override
    public String toString() {
        return transaction + "-" + id;
    }
}
