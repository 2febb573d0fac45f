package io.lockkeeper.web;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Duration;
import java.util.stream.Collectors;
import org.apache.tomcat.util.http.InvalidParameterException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.annotation.Order;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;
import org.springframework.http.converter.HttpMessageNotReadableException;
import org.springframework.security.access.AccessDeniedException;
import org.springframework.security.core.AuthenticationException;
import org.springframework.security.web.firewall.RequestRejectedException;
import org.springframework.web.ErrorResponse;
import org.springframework.web.HttpMediaTypeNotAcceptableException;
import org.springframework.web.HttpMediaTypeNotSupportedException;
import org.springframework.web.HttpRequestMethodNotSupportedException;
import org.springframework.web.bind.MethodArgumentNotValidException;
import org.springframework.web.bind.MissingRequestHeaderException;
import org.springframework.web.bind.MissingServletRequestParameterException;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.context.request.async.AsyncRequestTimeoutException;
import org.springframework.web.method.annotation.HandlerMethodValidationException;
import org.springframework.web.method.annotation.MethodArgumentTypeMismatchException;
import org.springframework.web.servlet.NoHandlerFoundException;
import org.springframework.web.servlet.resource.NoResourceFoundException;
import org.springframework.web.util.DisconnectedClientHelper;

/** Turns what a handler, or Spring on the way to it, throws into the problem that the client is told. */
@RestControllerAdvice
@Order(0)
class ProblemAdvice {

    private static final Logger log = LoggerFactory.getLogger(ProblemAdvice.class);
    private static final Duration DATABASE_RETRY = Duration.ofSeconds(2);

    private final ProblemWriter problems;

    ProblemAdvice(ProblemWriter problems) {
        this.problems = problems;
    }

    @ExceptionHandler
    void refuse(Exception exception, HttpServletRequest request, HttpServletResponse response) throws IOException {
        if (DisconnectedClientHelper.isClientDisconnectedException(exception)) {
            log.debug("The client of {} {} has gone", request.getMethod(), request.getRequestURI());
            return;
        }
        problems.write(request, response, problem(exception, request));
    }

    private static Problem problem(Exception exception, HttpServletRequest request) {
        return switch (exception) {
            case ProblemException e -> e.problem();
            case HttpMessageNotReadableException e -> UnreadableBody.problem(e);
            case MethodArgumentNotValidException e -> InvalidFields.problem(e);
            case HandlerMethodValidationException e when !e.isForReturnValue() -> InvalidFields.problem(e);
            case MethodArgumentTypeMismatchException e -> InvalidFields.problem(e);
            case MissingServletRequestParameterException e ->
                Problem.invalidField(e.getParameterName(), "The parameter " + e.getParameterName() + " is required.");
            case MissingRequestHeaderException e ->
                Problem.invalidField(e.getHeaderName(), "The header " + e.getHeaderName() + " is required.");
            case NoHandlerFoundException _, NoResourceFoundException _ -> RefusedByStatus.notFound();
            case HttpRequestMethodNotSupportedException e -> methodNotAllowed(e);
            case HttpMediaTypeNotSupportedException e -> unsupportedMediaType(e);
            case HttpMediaTypeNotAcceptableException e -> notAcceptable(e);
            case AuthenticationException e -> SecurityProblems.unauthorized(e);
            case AccessDeniedException _ -> SecurityProblems.forbidden(request);
            case RequestRejectedException e -> SecurityProblems.rejected(e);
            // Tomcat reads the parameters when the first one is asked for, which a handler does.
            case InvalidParameterException _ ->
                Problem.of(
                        ProblemType.INVALID_REQUEST,
                        "The parameters after the question mark cannot be read: one has no name, or an escape that is no"
                                + " character. Encode them as a URL wants it.");
            case AsyncRequestTimeoutException _ ->
                Problem.of(ProblemType.INTERNAL_ERROR, "The answer took too long. Send the request again.");
            case ErrorResponse e
            when e.getStatusCode().is4xxClientError() ->
                RefusedByStatus.problem(e.getStatusCode().value(), request.getMethod());
            default -> fault(exception, request);
        };
    }

    /** The service's own failure, or its database's: logged here, and not told. */
    static Problem fault(Exception exception, HttpServletRequest request) {
        if (DatabaseOutage.isCauseOf(exception)) {
            log.warn(
                    "{} {}: the database is unavailable: {}",
                    request.getMethod(),
                    request.getRequestURI(),
                    DatabaseOutage.reason(exception));
            return Problem.of(
                            ProblemType.DATABASE_UNAVAILABLE,
                            "The service cannot reach its database at the moment. Send the request again; with the same"
                                    + " Idempotency-Key that is safe even if the first one was carried out.")
                    .retryAfter(DATABASE_RETRY);
        }
        log.error("{} {} failed", request.getMethod(), request.getRequestURI(), exception);
        return RefusedByStatus.internalError();
    }

    private static Problem methodNotAllowed(HttpRequestMethodNotSupportedException e) {
        var supported = e.getSupportedHttpMethods();
        var allow = supported == null
                ? ""
                : supported.stream().map(HttpMethod::name).sorted().collect(Collectors.joining(", "));
        return Problem.of(
                        ProblemType.METHOD_NOT_ALLOWED,
                        "%s is not allowed at this path; allowed: %s.".formatted(e.getMethod(), allow))
                .header(HttpHeaders.ALLOW, allow);
    }

    private static Problem unsupportedMediaType(HttpMediaTypeNotSupportedException e) {
        var sent = e.getContentType();
        return Problem.of(
                        ProblemType.UNSUPPORTED_MEDIA_TYPE,
                        "Send the body as JSON with the header Content-Type: application/json (curl: -H 'Content-Type:"
                                + " application/json')" + (sent == null ? "." : ", not as " + sent + "."))
                .header(HttpHeaders.ACCEPT, MediaType.APPLICATION_JSON_VALUE);
    }

    private static Problem notAcceptable(HttpMediaTypeNotAcceptableException e) {
        var offered = e.getSupportedMediaTypes().stream()
                .filter(MediaType::isConcrete)
                .map(MediaType::toString)
                .distinct()
                .collect(Collectors.joining(", "));
        return Problem.of(
                ProblemType.NOT_ACCEPTABLE,
                offered.isEmpty()
                        ? "Send an Accept header that this service can read, or none."
                        : "This path answers with %s: send one of these in the header Accept, or no such header."
                                .formatted(offered));
    }
}
