package io.lockkeeper.coordination;

/** A run's number: drawn while its lock groups are locked, so that within a group the smaller one asked first. */
public record RunId(long value) implements Comparable<RunId> {
    @Override
    public int compareTo(RunId other) {
        return Long.compare(value, other.value);
    }

    @Override
    public String toString() {
        return Long.toString(value);
    }
}
