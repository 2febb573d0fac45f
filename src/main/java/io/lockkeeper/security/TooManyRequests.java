package io.lockkeeper.security;

import java.io.Serial;
import java.time.Duration;
import org.springframework.security.access.AccessDeniedException;

/** A client asks more of this replica than one client may. Nothing of the request was carried out. */
public final class TooManyRequests extends AccessDeniedException {

    @Serial
    private static final long serialVersionUID = 1L;

    private final Duration retryAfter;

    TooManyRequests(Duration retryAfter) {
        super("The client asks too much");
        this.retryAfter = retryAfter;
    }

    /** When there will be room for the next request. */
    public Duration retryAfter() {
        return retryAfter;
    }
}
