package io.lockkeeper.web;

import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One refusal, as RFC 9457 describes it.
 *
 * @param detail tells this caller what to do now; a sentence or two, and never a stack trace, SQL, a class name or a secret
 * @param members what a program may read besides (such as {@code field} or {@code holder}), in the order they are written;
 *     a value is anything the answers' JSON mapper can write, null included
 * @param headers response headers that belong to the refusal, such as {@code Retry-After}
 */
public record Problem(
        ProblemType type,
        String detail,
        SequencedMap<String, @Nullable Object> members,
        SequencedMap<String, String> headers) {

    private static final Set<String> OWN_MEMBERS = Set.of("type", "title", "status", "detail", "code", "instance");

    public Problem {
        members = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(members));
        headers = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(headers));
        for (var name : members.keySet()) {
            if (OWN_MEMBERS.contains(name)) {
                throw new IllegalArgumentException("Every problem has its own " + name);
            }
        }
    }

    public static Problem of(ProblemType type, String detail) {
        return new Problem(type, detail, new LinkedHashMap<>(), new LinkedHashMap<>());
    }

    /** A request whose {@code field} (a body's JSON path in snake_case, a parameter, or a header) is not acceptable. */
    public static Problem invalidField(String field, String detail) {
        return of(ProblemType.INVALID_REQUEST, detail).with("field", field);
    }

    /** Adds a typed member; its name is snake_case. */
    public Problem with(String member, @Nullable Object value) {
        var extended = new LinkedHashMap<String, @Nullable Object>(members);
        extended.put(member, value);
        return new Problem(type, detail, extended, headers);
    }

    public Problem header(String name, String value) {
        var extended = new LinkedHashMap<>(headers);
        extended.put(name, value);
        return new Problem(type, detail, members, extended);
    }

    /** Says when trying again may help: as the header for HTTP libraries, and as a member for those who read the body only. */
    public Problem retryAfter(Duration delay) {
        var seconds = Math.max(1, delay.toSeconds());
        return header("Retry-After", Long.toString(seconds)).with("retry_after_seconds", seconds);
    }

    public ProblemException asException() {
        return new ProblemException(this);
    }
}
