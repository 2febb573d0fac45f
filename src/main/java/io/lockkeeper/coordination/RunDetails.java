package io.lockkeeper.coordination;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a caller says about its run so that people can recognise it. Nothing here decides anything, except {@code sha}, {@code ref} and
 * {@code repository}, which say which runs can cover each other.
 *
 * @param trusted what somebody else has vouched for; the rest is the caller's word
 */
public record RunDetails(
        @Nullable String sha,
        @Nullable String ref,
        @Nullable String repository,
        @Nullable String title,
        @Nullable String tier,
        @Nullable String reason,
        @Nullable String user,
        @Nullable String hostname,
        @Nullable Integer pid,
        @Nullable String command,
        @Nullable String source,
        @Nullable String runUrl,
        Set<TrustedField> trusted) {

    public static final RunDetails NONE =
            new RunDetails(null, null, null, null, null, null, null, null, null, null, null, null);

    /** What nobody has vouched for. */
    public RunDetails(
            @Nullable String sha,
            @Nullable String ref,
            @Nullable String repository,
            @Nullable String title,
            @Nullable String tier,
            @Nullable String reason,
            @Nullable String user,
            @Nullable String hostname,
            @Nullable Integer pid,
            @Nullable String command,
            @Nullable String source,
            @Nullable String runUrl) {
        this(sha, ref, repository, title, tier, reason, user, hostname, pid, command, source, runUrl, Set.of());
    }

    /** An empty text says nothing: scripts send one for a variable that is not set, and it must match an absent one. */
    public RunDetails {
        sha = orNull(sha);
        ref = orNull(ref);
        repository = orNull(repository);
        title = orNull(title);
        tier = orNull(tier);
        reason = orNull(reason);
        user = orNull(user);
        hostname = orNull(hostname);
        command = orNull(command);
        source = orNull(source);
        runUrl = orNull(runUrl);
        // In the order of the fields, which is that of the answers.
        var sorted = EnumSet.noneOf(TrustedField.class);
        sorted.addAll(trusted);
        trusted = Collections.unmodifiableSet(sorted);
    }

    private static @Nullable String orNull(@Nullable String text) {
        return text == null || text.isBlank() ? null : text;
    }
}
