package io.lockkeeper.web;

import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Size;
import java.util.List;
import org.hibernate.validator.constraints.Range;
import org.hibernate.validator.constraints.UniqueElements;
import org.jspecify.annotations.Nullable;

/**
 * What a caller says when it asks for a lock. Every component may be absent (null); an absent body is {@link #EMPTY}. An
 * empty text is kept as said: it is neither absent nor refused, but for a sha.
 *
 * @param environments for {@code POST /api/acquire} alone, where it is required: 1 to 32 distinct names
 * @param mode {@code wait}, the default, or {@code fail_fast}
 * @param waitSeconds how long this call may block
 * @param queueTimeoutSeconds how long the run may queue
 * @param leaseSeconds how long the lock is kept without a heartbeat
 * @param batch false: never skipped
 * @param coverage {@code pinned}, the default, or {@code latest}: the caller deploys the sha that the grant tells it
 * @param priority {@code normal}, the default, or {@code high}
 * @param pid of the caller's process, for people
 * @param runUrl where a person can watch the run
 */
public record AcquireBody(
        @Nullable
        @Size(min = 1, max = 32, message = "must name 1 to 32 environments")
        @UniqueElements(message = "must not name an environment twice")
        List<@NotNull(message = "must not be null") @ValidEnvironment String> environments,

        @Nullable Mode mode,

        @Nullable @Range(min = 0, max = 60, message = "must be between 0 and 60 seconds")
        Integer waitSeconds,

        @Nullable @Range(min = 1, max = 604800, message = "must be between 1 and 604800 seconds")
        Integer queueTimeoutSeconds,

        @Nullable @Range(min = 5, max = 86400, message = "must be between 5 and 86400 seconds")
        Integer leaseSeconds,

        @Nullable Boolean batch,
        @Nullable Coverage coverage,
        @Nullable Priority priority,
        @Nullable @Text(min = 1, max = 100) String sha,
        @Nullable @Text(max = 255) String ref,
        @Nullable @Text(max = 255) String repository,
        @Nullable @Text(max = 500) String title,
        @Nullable @Text(max = 64) String tier,
        @Nullable @Text(max = 1000) String reason,
        @Nullable @Text(max = 255) String user,
        @Nullable @Text(max = 255) String hostname,

        @Nullable @Range(min = 0, max = Integer.MAX_VALUE, message = "must be between 0 and 2147483647")
        Integer pid,

        @Nullable @Text(max = 2000) String command,
        @Nullable @Text(max = 64) String source,
        @Nullable @Text(max = 2000) @WebAddress String runUrl) {

    /** What a caller says that sends no body. */
    public static final AcquireBody EMPTY = new AcquireBody(
            null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null,
            null, null);

    /** The same, but for what an ID token says about the run. */
    AcquireBody with(
            @Nullable String otherSha,
            @Nullable String otherRef,
            @Nullable String otherRepository,
            @Nullable String otherUser,
            @Nullable String otherRunUrl) {
        return new AcquireBody(
                environments,
                mode,
                waitSeconds,
                queueTimeoutSeconds,
                leaseSeconds,
                batch,
                coverage,
                priority,
                otherSha,
                otherRef,
                otherRepository,
                title,
                tier,
                reason,
                otherUser,
                hostname,
                pid,
                command,
                source,
                otherRunUrl);
    }

    public enum Mode {
        WAIT,
        FAIL_FAST
    }

    public enum Coverage {
        PINNED,
        LATEST
    }

    public enum Priority {
        NORMAL,
        HIGH
    }
}
