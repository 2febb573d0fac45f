package io.lockkeeper.security;

import static io.lockkeeper.security.AccessRule.Where.ANY;
import static io.lockkeeper.security.AccessRule.Where.BODY;
import static io.lockkeeper.security.AccessRule.Where.EVERYWHERE;
import static io.lockkeeper.security.AccessRule.Where.LOCK_TOKEN;
import static io.lockkeeper.security.AccessRule.Where.LOCK_TOKEN_OR_ADMIN_OF_RUN;
import static io.lockkeeper.security.AccessRule.Where.PARAMETER;
import static io.lockkeeper.security.AccessRule.Where.PATH;
import static io.lockkeeper.security.AccessRule.Where.PATH_OR_ADMIN_WITHOUT_BODY;
import static io.lockkeeper.security.AccessRule.Where.RUN;
import static io.lockkeeper.security.AccessRule.Where.RUN_AS_APPROVER;
import static io.lockkeeper.security.AccessRule.Where.SHOWN;
import static org.springframework.http.HttpMethod.DELETE;
import static org.springframework.http.HttpMethod.GET;
import static org.springframework.http.HttpMethod.POST;
import static org.springframework.http.HttpMethod.PUT;

import io.lockkeeper.security.AccessRule.Access;
import io.lockkeeper.security.AccessRule.Where;
import java.util.List;
import org.springframework.http.HttpMethod;

/**
 * Who may do what, as two tables: every endpoint of the service, whom it takes, and in which environments. The filter chain enforces it
 * before a controller runs; {@link Where} tells what is left to the controller, because it takes the body or the run. A test compares
 * the tables with what the application serves, plays every row with every kind of token, and compares {@code docs/security.md}.
 *
 * <p>What is not listed takes a token of any role, to be told that it is not found or that its method is wrong; under {@code /actuator}
 * it takes more than there is.
 */
final class AccessRules {

    /** What programs call, with a bearer token in each request. */
    static final List<AccessRule> API = List.of(
            // A run, for pipelines.
            rule(POST, "/api/runs/{id}/heartbeat", view(LOCK_TOKEN)),
            rule(GET, "/api/runs/{id}", view(RUN)),
            rule(POST, "/api/environments/{environment}/acquire", deploy(PATH)),
            rule(POST, "/api/acquire", deploy(BODY)),
            rule(POST, "/api/runs/{id}/release", view(LOCK_TOKEN)),
            rule(POST, "/api/environments/{environment}/release", deploy(PATH)),
            rule(POST, "/api/runs/{id}/cancel", view(LOCK_TOKEN_OR_ADMIN_OF_RUN)),
            rule(GET, "/api/environments/{environment}/lock", view(PATH)),
            rule(GET, "/api/environments/{environment}/queue-check", view(PATH)),

            // Terraform's lock and state. A state has secrets in it, so looking takes more than a viewer.
            rule(HttpMethod.valueOf("LOCK"), "/api/terraform/{environment}", deploy(PATH)),
            rule(HttpMethod.valueOf("UNLOCK"), "/api/terraform/{environment}", deploy(PATH_OR_ADMIN_WITHOUT_BODY)),
            rule(GET, "/api/terraform/{environment}", deploy(PATH)),
            rule(POST, "/api/terraform/{environment}", deploy(PATH)),
            rule(DELETE, "/api/terraform/{environment}", deploy(PATH)),
            rule(GET, "/api/terraform/{environment}/versions", deploy(PATH)),
            rule(GET, "/api/terraform/{environment}/versions/{version}", deploy(PATH)),
            rule(POST, "/api/terraform/{environment}/versions/{version}/restore", deploy(PATH)),

            // What is going on, and what went on.
            rule(GET, "/api/admin/deployment-status", view(PARAMETER)),
            rule(GET, "/api/admin/deployments", view(SHOWN)),
            rule(GET, "/api/admin/stats", view(SHOWN)),
            rule(GET, "/api/admin/events", view(SHOWN)),
            rule(GET, "/api/admin/audit", admin(SHOWN)),
            rule(GET, "/api/admin/integrity", admin(EVERYWHERE)),

            // Environments.
            rule(GET, "/api/admin/environments", view(SHOWN)),
            rule(GET, "/api/admin/environments/{environment}", view(PATH)),
            rule(PUT, "/api/admin/environments/{environment}", admin(PATH)),
            rule(DELETE, "/api/admin/environments/{environment}", admin(PATH)),
            rule(PUT, "/api/admin/environments/{environment}/freeze", admin(PATH)),
            rule(DELETE, "/api/admin/environments/{environment}/freeze", admin(PATH)),
            rule(PUT, "/api/admin/freeze", admin(EVERYWHERE)),
            rule(DELETE, "/api/admin/freeze", admin(EVERYWHERE)),
            rule(POST, "/api/admin/environments/{environment}/acknowledge", admin(PATH)),
            rule(POST, "/api/admin/environments/{environment}/force-release", admin(PATH)),

            // Decisions about a run.
            rule(POST, "/api/admin/runs/{id}/approve", view(RUN_AS_APPROVER)),
            rule(POST, "/api/admin/runs/{id}/reject", view(RUN_AS_APPROVER)),
            rule(POST, "/api/admin/runs/{id}/prioritize", admin(RUN)),

            // Tokens: whoever is an admin of some environments could otherwise make one for the rest.
            rule(POST, "/api/admin/tokens", admin(EVERYWHERE)),
            rule(GET, "/api/admin/tokens", admin(EVERYWHERE)),
            rule(DELETE, "/api/admin/tokens/{id}", admin(EVERYWHERE)),

            // Webhooks tell of every environment, and may lead anywhere.
            rule(GET, "/api/admin/webhooks", admin(EVERYWHERE)),
            rule(POST, "/api/admin/webhooks/{name}/test", admin(EVERYWHERE)),

            // Nothing in these is a secret.
            rule(GET, "/api/openapi.yaml", anybody()),
            rule(GET, "/api/docs", anybody()),
            rule(GET, "/api/docs/", anybody()),
            rule(GET, "/api/docs/*", anybody()),
            rule(GET, "/client/lockkeeper", anybody()),

            // For monitors.
            rule(GET, "/actuator/health", anybody()),
            rule(GET, "/actuator/health/liveness", anybody()),
            rule(GET, "/actuator/health/readiness", anybody()),
            rule(GET, "/actuator/health/**", nobody()),
            rule(GET, "/actuator/prometheus", view(ANY)),
            rule(GET, "/actuator/sbom", view(ANY)),
            rule(GET, "/actuator/sbom/{id}", view(ANY)),
            rule(GET, "/actuator", nobody()));

    /** What people look at and send from there, in a session that one of the same tokens has opened. */
    static final List<AccessRule> PAGE = List.of(
            rule(GET, "/login", anybody()),
            rule(POST, "/login", anybody()),
            rule(GET, PersonLoginFilter.START_PATH, anybody()),
            rule(GET, PersonLoginFilter.PATH, anybody()),
            rule(POST, "/logout", anybody()),
            rule(GET, "/assets/*", anybody()),
            rule(GET, "/", view(SHOWN)),
            rule(GET, "/live", view(SHOWN)),
            rule(GET, "/history", view(SHOWN)),
            rule(GET, "/environments/{environment}", view(PATH)),
            rule(GET, "/environments/{environment}/actions", admin(PATH)),
            rule(POST, "/environments/{environment}/freeze", admin(PATH)),
            rule(POST, "/environments/{environment}/unfreeze", admin(PATH)),
            rule(POST, "/environments/{environment}/acknowledge", admin(PATH)),
            rule(POST, "/environments/{environment}/force-release", admin(PATH)),
            rule(GET, "/runs/{id}", view(RUN)),
            rule(POST, "/runs/{id}/approve", view(RUN_AS_APPROVER)),
            rule(POST, "/runs/{id}/reject", view(RUN_AS_APPROVER)),
            rule(POST, "/runs/{id}/prioritize", admin(RUN)),
            rule(POST, "/runs/{id}/cancel", admin(RUN)),
            rule(GET, "/freeze", admin(EVERYWHERE)),
            rule(POST, "/freeze", admin(EVERYWHERE)),
            rule(POST, "/unfreeze", admin(EVERYWHERE)));

    private AccessRules() {}

    private static AccessRule rule(HttpMethod method, String path, Access access) {
        return new AccessRule(method, path, access);
    }

    private static Access anybody() {
        return new Access.Anybody();
    }

    private static Access nobody() {
        return new Access.Nobody();
    }

    private static Access view(Where where) {
        return new Access.Bearer(Role.VIEW, where);
    }

    private static Access deploy(Where where) {
        return new Access.Bearer(Role.DEPLOY, where);
    }

    private static Access admin(Where where) {
        return new Access.Bearer(Role.ADMIN, where);
    }
}
