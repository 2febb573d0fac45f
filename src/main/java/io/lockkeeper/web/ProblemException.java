package io.lockkeeper.web;

import java.io.Serial;

/** Ends a request with a refusal. An answer, not a fault: it is never logged, so it has no stack trace. */
public final class ProblemException extends RuntimeException {

    @Serial
    private static final long serialVersionUID = 1L;

    private final transient Problem problem;

    public ProblemException(Problem problem) {
        super(problem.type().code() + ": " + problem.detail(), null, false, false);
        this.problem = problem;
    }

    public Problem problem() {
        return problem;
    }
}
