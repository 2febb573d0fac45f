package io.lockkeeper.coordination;

import org.jspecify.annotations.Nullable;

/** What a caller says about its run so that people can recognise it. Nothing here decides anything, except {@code sha}, {@code ref} and
 * {@code repository}, which say which runs can cover each other. */
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
        @Nullable String runUrl) {

    public static final RunDetails NONE =
            new RunDetails(null, null, null, null, null, null, null, null, null, null, null, null);

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
    }

    private static @Nullable String orNull(@Nullable String text) {
        return text == null || text.isBlank() ? null : text;
    }
}
