package io.lockkeeper.web;

import java.net.URI;
import java.util.Locale;

/**
 * Every kind of refusal. The set is bounded, so that a client can switch over {@code code} and a dashboard can count by
 * it. Each has its section in {@code docs/problems.md}: what causes it and what to do.
 */
public enum ProblemType {
    INVALID_REQUEST(400, "The request is not valid"),
    MALFORMED_BODY(400, "The body cannot be read"),
    CONFIRM_MISMATCH(400, "The confirmation is not the environment's name"),
    REQUEST_TIMEOUT(408, "The request came too slowly"),
    BODY_TOO_LARGE(413, "The body is too large"),
    UNAUTHORIZED(401, "A valid token is needed"),
    FORBIDDEN(403, "The token does not allow this"),
    OWN_RUN(403, "Nobody approves their own run"),
    LOCK_TOKEN_INVALID(403, "The lock token is missing or wrong"),
    ENVIRONMENT_UNKNOWN(404, "The environment is unknown"),
    RUN_UNKNOWN(404, "The run is unknown"),
    TOKEN_UNKNOWN(404, "The token is unknown"),
    WEBHOOK_UNKNOWN(404, "The webhook is unknown"),
    STATE_UNKNOWN(404, "The version of the state is unknown"),
    NOT_FOUND(404, "There is nothing at this path"),
    METHOD_NOT_ALLOWED(405, "The method is not allowed here"),
    NOT_ACCEPTABLE(406, "No acceptable representation"),
    UNSUPPORTED_MEDIA_TYPE(415, "The body's media type is not supported"),
    LOCK_HELD(409, "The lock is held"),
    APPROVAL_REQUIRED(409, "The run needs an approval"),
    NOT_GRANTED(409, "The run does not hold the lock"),
    NOT_WAITING(409, "The run does not wait"),
    NOT_HELD(409, "Nobody holds the lock"),
    HOLDER_CHANGED(409, "Another run holds the lock now"),
    HOLDER_ALIVE(409, "The holder is alive"),
    DECLARED_IN_CONFIGURATION(409, "The configuration declares this"),
    LOCK_TOKEN_UNAVAILABLE(409, "The lock token cannot be shown again"),
    STATE_NOT_LOCKED(409, "The state is written only by the holder of its lock"),
    TOKEN_NAME_TAKEN(409, "The name of the token is taken"),
    LEASE_LOST(410, "The lease is lost"),
    IDEMPOTENCY_KEY_REUSED(422, "The idempotency key belongs to another request"),
    PROMOTION_REQUIRED(422, "The sha must be promoted first"),
    FROZEN(423, "The environment is frozen"),
    QUARANTINED(423, "The environment is in quarantine"),
    TOO_MANY_REQUESTS(429, "Too many requests"),
    TOO_MANY_WAITING(429, "Too many calls are waiting"),
    INTERNAL_ERROR(500, "The service failed"),
    INTEGRITY_VIOLATED(500, "An invariant is violated"),
    STATE_KEY_MISSING(501, "The service has no key for the state"),
    DATABASE_UNAVAILABLE(503, "The database is unavailable"),
    ISSUER_UNREACHABLE(503, "The token's issuer cannot be reached");

    private final int status;
    private final String title;

    ProblemType(int status, String title) {
        this.status = status;
        this.title = title;
    }

    /** The slug that clients compare, such as {@code lease-lost}. */
    public String code() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** RFC 9457's {@code type}. A URN: the documentation's address may move, the identity may not. */
    public URI type() {
        return URI.create("urn:lockkeeper:problem:" + code());
    }

    public int status() {
        return status;
    }

    /** Constant for the type, as RFC 9457 section 3.1.3 wants; what is particular to one occurrence is its detail. */
    public String title() {
        return title;
    }
}
