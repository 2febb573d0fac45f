package io.lockkeeper.coordination;

/** A number that grows with every grant of a lock group (invariant 2). With the group it is the identity of a grant. */
public record FencingToken(long value) {
    @Override
    public String toString() {
        return Long.toString(value);
    }
}
