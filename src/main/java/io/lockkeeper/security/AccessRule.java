package io.lockkeeper.security;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpMethod;
import org.springframework.security.authorization.AuthorizationDecision;
import org.springframework.security.authorization.AuthorizationManager;
import org.springframework.security.authorization.AuthorizationResult;
import org.springframework.security.core.Authentication;
import org.springframework.security.web.access.intercept.RequestAuthorizationContext;

/**
 * One row of {@link AccessRules}.
 *
 * @param method GET is HEAD as well, which Spring MVC answers by calling the same controller
 * @param path as a controller maps it
 */
record AccessRule(HttpMethod method, String path, Access access)
        implements AuthorizationManager<RequestAuthorizationContext> {

    /** Who is let in. */
    sealed interface Access {

        /** Also without a token. */
        record Anybody() implements Access {}

        /** No token opens it. */
        record Nobody() implements Access {}

        /** Whose token has this role, or one that includes it, in these environments. */
        record Bearer(Role role, Where where) implements Access {}
    }

    /** In which environments the role must be good. */
    enum Where {
        /** Any: what is asked for belongs to no environment. */
        ANY,
        /** That which the path names. Checked here. */
        PATH,
        /** That which the path names. Checked here; for a request without a body the controller wants an admin of it. */
        PATH_OR_ADMIN_WITHOUT_BODY,
        /** All, also those to come: a token for {@code *}. Checked here. */
        EVERYWHERE,
        /** All that the body names. Checked by the controller. */
        BODY,
        /** That which the parameter names, or else the default one. Checked by the controller. */
        PARAMETER,
        /** The answer is about those in which it is; another one is refused when the parameter names it. The controller's. */
        SHOWN,
        /** All of the run's. Checked by the controller, which must read the run first. */
        RUN,
        /** All of the run's; and whoever is no admin must be named in {@code approvers}, which is policy and not access. */
        RUN_AS_APPROVER,
        /** Any: the run's lock token proves the right, whoever brings it. Checked by the transition. */
        LOCK_TOKEN,
        /** Any with the run's lock token; without one it takes an admin of all of the run's. Checked by the controller. */
        LOCK_TOKEN_OR_ADMIN_OF_RUN
    }

    /** The part of the check that takes no more than the request: the role, and the environment if the path names it. */
    @Override
    public AuthorizationResult authorize(
            Supplier<? extends @Nullable Authentication> authentication, RequestAuthorizationContext request) {
        return switch (access) {
            case Access.Anybody _ -> new AuthorizationDecision(true);
            case Access.Nobody _ -> new AuthorizationDecision(false);
            case Access.Bearer needed ->
                authentication.get() instanceof CallerAuthentication known
                        ? decide(
                                known.getPrincipal(),
                                needed,
                                request.getVariables().get("environment"))
                        : new AuthorizationDecision(false);
        };
    }

    private static AuthorizationResult decide(Caller caller, Access.Bearer needed, @Nullable String environment) {
        boolean granted = switch (needed.where()) {
            case EVERYWHERE -> caller.mayEverywhere(needed.role());
            case PATH, PATH_OR_ADMIN_WITHOUT_BODY -> environment != null && caller.may(needed.role(), environment);
            case ANY, BODY, PARAMETER, SHOWN, RUN, RUN_AS_APPROVER, LOCK_TOKEN, LOCK_TOKEN_OR_ADMIN_OF_RUN ->
                caller.role().includes(needed.role());
        };
        return granted
                ? new AuthorizationDecision(true)
                : new AccessRefused(caller.name(), needed.role(), environment, needed.where() == Where.EVERYWHERE);
    }
}
