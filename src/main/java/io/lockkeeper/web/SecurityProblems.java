package io.lockkeeper.web;

import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.security.AccessRefused;
import io.lockkeeper.security.BasicToken;
import io.lockkeeper.security.IdTokenUnverifiable;
import io.lockkeeper.security.IdTokenWithoutRule;
import io.lockkeeper.security.Role;
import io.lockkeeper.security.TooManyRequests;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Locale;
import java.util.regex.Pattern;
import org.springframework.http.HttpHeaders;
import org.springframework.security.access.AccessDeniedException;
import org.springframework.security.authentication.AuthenticationServiceException;
import org.springframework.security.authentication.InsufficientAuthenticationException;
import org.springframework.security.authorization.AuthorizationDeniedException;
import org.springframework.security.core.AuthenticationException;
import org.springframework.security.web.AuthenticationEntryPoint;
import org.springframework.security.web.access.AccessDeniedHandler;
import org.springframework.security.web.csrf.CsrfException;
import org.springframework.security.web.firewall.RequestRejectedException;
import org.springframework.security.web.firewall.RequestRejectedHandler;
import org.springframework.stereotype.Component;

/** How Spring Security's refusals look. None of them tells which part of a credential was wrong. */
@Component
class SecurityProblems implements AuthenticationEntryPoint, AccessDeniedHandler, RequestRejectedHandler {

    private static final Pattern REJECTED_HEADER = Pattern.compile("the header(?: name|:) \"([^\" ]{1,64})");
    private static final Pattern REJECTED_PARAMETER = Pattern.compile("the parameter(?: name|:) \"([^\" ]{1,64})");

    private final ProblemWriter problems;

    SecurityProblems(ProblemWriter problems) {
        this.problems = problems;
    }

    @Override
    public void commence(HttpServletRequest request, HttpServletResponse response, AuthenticationException exception)
            throws IOException {
        problems.write(
                request,
                response,
                switch (exception) {
                    case IdTokenUnverifiable e -> unverifiable(e);
                    case IdTokenWithoutRule e -> withoutRule(e);
                    case AuthenticationServiceException e -> ProblemAdvice.fault(e, request);
                    default ->
                        BasicToken.isTakenFrom(request) ? unauthorizedTerraform(exception) : unauthorized(exception);
                });
    }

    @Override
    public void handle(HttpServletRequest request, HttpServletResponse response, AccessDeniedException exception)
            throws IOException {
        problems.write(
                request,
                response,
                switch (exception) {
                    case TooManyRequests tooMany -> tooManyRequests(tooMany);
                    case CsrfException _ ->
                        Problem.of(
                                ProblemType.FORBIDDEN,
                                "The form was sent from another site, or has been open for too long, and nothing was done. Reload the"
                                        + " page and send it again.");
                    case AuthorizationDeniedException denied
                    when denied.getAuthorizationResult() instanceof AccessRefused refused -> forbidden(refused);
                    default -> forbidden(request);
                });
    }

    @Override
    public void handle(HttpServletRequest request, HttpServletResponse response, RequestRejectedException exception)
            throws IOException {
        problems.write(request, response, rejected(exception));
    }

    /** RFC 6750 section 3.1: a request without a token is told the scheme alone, one with a bad token also the error. */
    static Problem unauthorized(AuthenticationException exception) {
        return exception instanceof InsufficientAuthenticationException
                ? unauthorized()
                : Problem.of(
                                ProblemType.UNAUTHORIZED,
                                "The token is not valid here. Check that it was copied whole, is meant for this service and has"
                                        + " neither expired nor been revoked.")
                        .header(HttpHeaders.WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"");
    }

    /** Terraform knows Basic authentication only. */
    private static Problem unauthorizedTerraform(AuthenticationException exception) {
        return Problem.of(
                        ProblemType.UNAUTHORIZED,
                        (exception instanceof InsufficientAuthenticationException
                                        ? "There is no token. Send one"
                                        : "The token is not valid here. Send a good one")
                                + " as the password of Basic authentication, which Terraform reads from TF_HTTP_PASSWORD and sends"
                                + " only with a TF_HTTP_USERNAME, whatever that is.")
                .header(HttpHeaders.WWW_AUTHENTICATE, "Basic realm=\"lockkeeper\", charset=\"UTF-8\"");
    }

    static Problem unauthorized() {
        return Problem.of(
                        ProblemType.UNAUTHORIZED,
                        "Send a token in the header Authorization: Bearer <token>. The service's log says at its start where"
                                + " the admin token is.")
                .header(HttpHeaders.WWW_AUTHENTICATE, "Bearer");
    }

    private static Problem unverifiable(IdTokenUnverifiable exception) {
        return Problem.of(
                        ProblemType.ISSUER_UNREACHABLE,
                        "The token cannot be checked, since the keys of its issuer %s cannot be fetched at the moment. Send the request again."
                                .formatted(exception.issuer()))
                .retryAfter(exception.retryAfter());
    }

    private static Problem withoutRule(IdTokenWithoutRule exception) {
        return Problem.of(
                ProblemType.FORBIDDEN,
                "The ID token is valid, but no rule of this service lets %s in. Ask the administrator for a rule that its claims match."
                        .formatted(exception.caller()));
    }

    static Problem forbidden(HttpServletRequest request) {
        var caller = request.getUserPrincipal();
        return Problem.of(
                ProblemType.FORBIDDEN,
                "%s may not do this. Use a token with another role, or ask the administrator."
                        .formatted(caller == null ? "This token" : "The token " + caller.getName()));
    }

    private static Problem forbidden(AccessRefused refused) {
        var environment = refused.environment();
        if (environment != null && EnvironmentName.isValid(environment)) {
            return forbidden(refused.caller(), refused.needed(), environment);
        }
        return Problem.of(
                ProblemType.FORBIDDEN,
                "This takes a token with the role %s%s, and %s is none. Use another one, or ask an admin for it."
                        .formatted(
                                refused.needed().name().toLowerCase(Locale.ROOT),
                                refused.everywhere() ? " for all environments (*)" : "",
                                refused.caller()));
    }

    static Problem forbidden(String caller, Role needed, String environment) {
        return Problem.of(
                ProblemType.FORBIDDEN,
                "The token " + caller
                        + switch (needed) {
                            case VIEW -> " may not see ";
                            case DEPLOY -> " may not deploy in ";
                            case ADMIN -> " is no admin of ";
                        }
                        + environment + ". Use one that may, or ask an admin for it.");
    }

    private static Problem tooManyRequests(TooManyRequests exception) {
        return Problem.of(
                        ProblemType.TOO_MANY_REQUESTS,
                        "This client asks more of this replica than one may, or its address has shown too many wrong tokens. Nothing"
                                + " of the request was carried out. Ask again after Retry-After seconds, and less often:"
                                + " wait_seconds waits without asking.")
                .retryAfter(exception.retryAfter().plusMillis(999));
    }

    static Problem rejected(RequestRejectedException exception) {
        var message = String.valueOf(exception.getMessage());
        var header = REJECTED_HEADER.matcher(message);
        if (header.find()) {
            return Problem.invalidField(header.group(1), "The header contains a character that is not allowed there.");
        }
        var parameter = REJECTED_PARAMETER.matcher(message);
        if (parameter.find()) {
            return Problem.invalidField(
                    parameter.group(1), "The parameter contains a character that is not allowed there.");
        }
        return unusablePath();
    }

    static Problem unusablePath() {
        return Problem.invalidField(
                "path",
                "The path contains '//', '..', ';', an encoded slash or percent sign, or a control character. Names of"
                        + " environments need none of these.");
    }
}
