package io.lockkeeper.web;

import jakarta.servlet.RequestDispatcher;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import tools.jackson.databind.json.JsonMapper;

/**
 * Writes every refusal of this service, whoever made it: {@code application/problem+json}, or three {@code key=value} lines
 * when the client prefers {@code text/plain}, so that a shell reads an error the way it reads an answer; and a page to whoever
 * looks at pages.
 */
@Component
public class ProblemWriter {

    private final JsonMapper json;
    private final ProblemPage page;

    public ProblemWriter(JsonMapper json, ProblemPage page) {
        this.json = json;
        this.page = page;
    }

    /** Does nothing when the answer has already begun: half an answer followed by a problem would be read as neither. */
    public void write(HttpServletRequest request, HttpServletResponse response, Problem problem) throws IOException {
        if (response.isCommitted()) {
            return;
        }
        response.resetBuffer();
        response.setStatus(problem.type().status());
        response.setHeader("Cache-Control", "no-store");
        problem.headers().forEach(response::setHeader);
        byte[] body;
        if (page.isAskedForBy(request)) {
            response.setContentType("text/html;charset=UTF-8");
            body = page.render(problem).getBytes(StandardCharsets.UTF_8);
        } else if (PlainText.isPreferredBy(request)) {
            response.setContentType("text/plain;charset=UTF-8");
            body = PlainText.of(plainMembers(problem)).getBytes(StandardCharsets.UTF_8);
        } else {
            response.setContentType("application/problem+json");
            body = json.writeValueAsBytes(members(problem, instance(request)));
        }
        response.setContentLength(body.length);
        response.getOutputStream().write(body);
        response.flushBuffer();
    }

    private static SequencedMap<String, @Nullable Object> members(Problem problem, @Nullable String instance) {
        var members = new LinkedHashMap<String, @Nullable Object>();
        members.put("type", problem.type().type().toString());
        members.put("title", problem.type().title());
        members.put("status", problem.type().status());
        members.put("detail", problem.detail());
        members.put("code", problem.type().code());
        if (instance != null) {
            members.put("instance", instance);
        }
        members.putAll(problem.members());
        return members;
    }

    /**
     * The path that was asked for, also when the container has come here through its error page. Null when it is not one: Tomcat
     * hands over what it refused to read.
     */
    private static @Nullable String instance(HttpServletRequest request) {
        var path = request.getAttribute(RequestDispatcher.ERROR_REQUEST_URI) instanceof String original
                ? original
                : request.getRequestURI();
        try {
            return path == null || path.isEmpty() ? null : new URI(path).toString();
        } catch (URISyntaxException e) {
            return null;
        }
    }

    private static SequencedMap<String, @Nullable Object> plainMembers(Problem problem) {
        var members = new LinkedHashMap<String, @Nullable Object>();
        members.put("outcome", "error");
        members.put("code", problem.type().code());
        members.put("detail", problem.detail());
        return members;
    }
}
