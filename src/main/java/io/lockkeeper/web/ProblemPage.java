package io.lockkeeper.web;

import jakarta.servlet.RequestDispatcher;
import jakarta.servlet.http.HttpServletRequest;
import java.util.Map;
import java.util.Objects;
import org.springframework.http.InvalidMediaTypeException;
import org.springframework.http.MediaType;
import org.springframework.stereotype.Component;
import org.thymeleaf.ITemplateEngine;
import org.thymeleaf.context.Context;

/** A refusal as a page, for whoever came with a browser to what is a page. The API's paths answer browsers as they answer all. */
@Component
class ProblemPage {

    private final ITemplateEngine templates;

    ProblemPage(ITemplateEngine templates) {
        this.templates = templates;
    }

    boolean isAskedForBy(HttpServletRequest request) {
        var path = path(request);
        if (path.startsWith("/api") || path.startsWith("/actuator") || path.startsWith("/client/")) {
            return false;
        }
        var accepted = request.getHeader("Accept");
        try {
            return accepted != null
                    && MediaType.parseMediaTypes(accepted).stream()
                            .anyMatch(range -> range.equalsTypeAndSubtype(MediaType.TEXT_HTML));
        } catch (InvalidMediaTypeException e) {
            return false;
        }
    }

    /** That was asked for, also when the container has come here through its error page. */
    private static String path(HttpServletRequest request) {
        return request.getAttribute(RequestDispatcher.ERROR_REQUEST_URI) instanceof String original
                ? original
                : Objects.requireNonNullElse(request.getRequestURI(), "");
    }

    String render(Problem problem) {
        return templates.process("problem", new Context(null, Map.of("problem", problem)));
    }
}
