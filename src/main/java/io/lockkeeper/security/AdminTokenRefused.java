package io.lockkeeper.security;

import java.io.Serial;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** The service cannot start because its admin token is unusable. Says which setting or file, what is wrong and what to do. */
final class AdminTokenRefused extends RuntimeException {

    @Serial
    private static final long serialVersionUID = 1L;

    private final String action;

    AdminTokenRefused(String description, String action) {
        super(description);
        this.action = action;
    }

    /** Makes Spring Boot print these two sentences instead of a stack trace. */
    static final class Analyzer extends AbstractFailureAnalyzer<AdminTokenRefused> {

        @Override
        protected FailureAnalysis analyze(Throwable rootFailure, AdminTokenRefused cause) {
            return new FailureAnalysis(cause.getMessage(), cause.action, cause);
        }
    }
}
