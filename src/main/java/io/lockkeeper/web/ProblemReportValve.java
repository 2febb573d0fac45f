package io.lockkeeper.web;

import java.io.IOException;
import java.util.regex.Pattern;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ErrorReportValve;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Answers what Tomcat refuses before there is a request to dispatch: a malformed request line, bad encoding, huge headers. */
final class ProblemReportValve extends ErrorReportValve {

    private static final Logger log = LoggerFactory.getLogger(ProblemReportValve.class);

    private final ProblemWriter problems;

    ProblemReportValve(ProblemWriter problems) {
        this.problems = problems;
    }

    /** What Tomcat refuses to decode in a path: a slash or backslash, a percent sign, a control character, or no character at all. */
    private static final Pattern UNUSABLE_ESCAPE = Pattern.compile("(?i)%(2f|5c|25|[01][0-9a-f]|7f|(?![0-9a-f]{2}))");

    private static Problem problem(Request request, Response response) {
        var path = String.valueOf(request.getRequestURI());
        return response.getStatus() == 400 && UNUSABLE_ESCAPE.matcher(path).find()
                ? SecurityProblems.unusablePath()
                : RefusedByStatus.problem(response.getStatus(), String.valueOf(request.getMethod()));
    }

    /** Called after every request; it concerns us only if an error is still to be reported (compare the overridden method). */
    @Override
    protected void report(Request request, Response response, @Nullable Throwable throwable) {
        if (response.getStatus() < 400 || response.getContentWritten() > 0 || !response.setErrorReported()) {
            return;
        }
        try {
            problems.write(request.getRequest(), response.getResponse(), problem(request, response));
        } catch (IOException e) {
            log.debug("The client went away before it was told that its request is not valid", e);
        }
    }
}
