package io.lockkeeper.web;

/** The problems of refusals that come as a bare status: from {@code sendError}, and from Tomcat itself. */
final class RefusedByStatus {

    private RefusedByStatus() {}

    /** The set of codes is bounded: a status that has none of its own becomes the general one of its class. */
    static Problem problem(int status, String method) {
        return switch (status) {
            case 401 -> SecurityProblems.unauthorized();
            case 403 -> Problem.of(ProblemType.FORBIDDEN, "The token does not allow this.");
            case 404 -> notFound();
            case 405 -> Problem.of(ProblemType.METHOD_NOT_ALLOWED, method + " is not allowed at this path.");
            case 406 ->
                Problem.of(ProblemType.NOT_ACCEPTABLE, "Ask for application/json or text/plain in the header Accept.");
            case 408 ->
                Problem.of(
                        ProblemType.REQUEST_TIMEOUT,
                        "The body did not arrive in time, and nothing was done. Send the request again over a better connection.");
            case 413 -> BodyLimitFilter.tooLarge();
            case 415 ->
                Problem.of(
                        ProblemType.UNSUPPORTED_MEDIA_TYPE,
                        "Send the body with the header Content-Type: application/json.");
            // A transfer coding, or a version of HTTP, that Tomcat does not know: not the service's failure.
            case 501, 505 -> invalidRequest();
            default -> status < 500 ? invalidRequest() : internalError();
        };
    }

    private static Problem invalidRequest() {
        return Problem.of(
                ProblemType.INVALID_REQUEST,
                "The request is not valid HTTP, or its headers are too large. Check what the client sends.");
    }

    static Problem notFound() {
        return Problem.of(
                ProblemType.NOT_FOUND, "There is nothing at this path. The paths that exist are listed at /api/docs.");
    }

    static Problem internalError() {
        return Problem.of(
                ProblemType.INTERNAL_ERROR,
                "The service failed while it worked on the request; its log says why. Send the request again, or ask the"
                        + " administrator.");
    }
}
