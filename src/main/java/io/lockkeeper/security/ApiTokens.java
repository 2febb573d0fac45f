package io.lockkeeper.security;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * The stored tokens: {@code lkt_} and 32 random bytes, of which the database keeps the SHA-256 only.
 *
 * <p>Every request looks its token up. A cache would save one indexed read of a request, and make a revoked token good for as long as
 * the slowest replica remembers it. A call that waits was let in when it began: it may go on for the rest of its wait.
 *
 * <p>The hash is looked up by an index, whose time tells something about how far two hashes agree. That helps nobody: to choose a
 * hash, one would have to find tokens by their hashes.
 */
@Component
public class ApiTokens implements TokenLookup {

    private static final Logger log = LoggerFactory.getLogger(ApiTokens.class);

    private static final String PREFIX = "lkt_";
    private static final int SECRET_BYTES = 32;
    private static final Base64.Encoder ENCODER = Base64.getUrlEncoder().withoutPadding();

    /** What cannot be ours is refused without asking the database. */
    private static final Pattern TOKEN = Pattern.compile(PREFIX + "[A-Za-z0-9_-]{43}");

    private static final String COLUMNS =
            "id, name, role, environments, created_at, created_by, expires_at, last_used_at, revoked_at";

    private final JdbcClient jdbc;
    private final TransactionTemplate transactions;
    private final SecureRandom random = new SecureRandom();

    public ApiTokens(JdbcClient jdbc, PlatformTransactionManager transactionManager) {
        this.jdbc = jdbc;
        transactions = new TransactionTemplate(transactionManager);
        // The server's default may be stricter, and would then fail a transaction that met another one.
        transactions.setIsolationLevel(TransactionDefinition.ISOLATION_READ_COMMITTED);
    }

    /** A found bearer, and whether it is time to note down that the token is used. */
    private record Found(long id, Caller caller, boolean noteUse) {}

    @Override
    public Optional<Caller> find(String token) {
        return TOKEN.matcher(token).matches() ? findByDigest(hash(token)) : Optional.empty();
    }

    @Override
    public Optional<Caller> findByDigest(byte[] digest) {
        var found = jdbc.sql("""
                        SELECT id, name, role, environments,
                               last_used_at IS NULL OR last_used_at < statement_timestamp() - interval '1 minute' AS note_use
                        FROM api_token
                        WHERE token_hash = :hash
                          AND revoked_at IS NULL
                          AND (expires_at IS NULL OR expires_at > statement_timestamp())""")
                .param("hash", digest)
                .query((row, _) -> new Found(
                        row.getLong("id"),
                        new Caller(row.getString("name"), role(row), environments(row)),
                        row.getBoolean("note_use")))
                .optional();
        found.filter(Found::noteUse).ifPresent(used -> noteUse(used.id()));
        return found.map(Found::caller);
    }

    /**
     * Notes down that the token is used, once a minute, so that a busy token does not mean a write for each request. Nobody waits for it
     * and nobody fails by it: when the row is locked, somebody else is noting the same or revokes the token.
     */
    private void noteUse(long id) {
        try {
            jdbc.sql("""
                    UPDATE api_token
                    SET last_used_at = statement_timestamp()
                    WHERE id = (
                        SELECT id
                        FROM api_token
                        WHERE id = :id
                          AND (last_used_at IS NULL OR last_used_at < statement_timestamp() - interval '1 minute')
                        FOR NO KEY UPDATE SKIP LOCKED)""").param("id", id).update();
        } catch (DataAccessException e) {
            // The first line says what failed; PostgreSQL's next one may show the row, with the hash.
            log.warn(
                    "The last use of token {} could not be noted down: {}",
                    id,
                    String.valueOf(e.getMostSpecificCause().getMessage())
                            .lines()
                            .findFirst()
                            .orElse(""));
        }
    }

    /**
     * Makes a token.
     *
     * @param by the name of the admin, for the audit trail
     */
    public TokenCreation create(NewApiToken wanted, String by) {
        var secret = secret();
        var created = transactions.execute(_ -> {
            beDurable();
            retireExpired(wanted.name(), by);
            return insert(wanted, secret, by);
        });
        return created.<TokenCreation>map(token -> new TokenCreation.Created(token, secret))
                .orElseGet(TokenCreation.NameTaken::new);
    }

    /** What an admin is told must not be lost in a failover: a revoked token would be good again (invariant 7). */
    private void beDurable() {
        jdbc.sql("""
                SELECT CASE WHEN current_setting('synchronous_commit') IN ('off', 'local')
                            THEN set_config('synchronous_commit', 'on', true) END""").query().listOfRows();
    }

    /** A name is free again when its token has expired. */
    private void retireExpired(String name, String by) {
        jdbc.sql(
                        "SELECT id FROM api_token WHERE name = :name AND revoked_at IS NULL AND expires_at <= statement_timestamp()")
                .param("name", name)
                .query(Long.class)
                .optional()
                .ifPresent(id -> revoke(id, by, "It had expired, and a new token takes its name."));
    }

    /**
     * Stores it; empty when the name is taken. An insert at the same time for the same name waits here for the end of the first.
     *
     * <p>The audit row names no environments: what stands there are names, and a token has patterns. These are in {@code after}.
     */
    private Optional<ApiToken> insert(NewApiToken wanted, String secret, String by) {
        var lifetime = wanted.lifetime();
        return jdbc.sql("""
                        WITH created AS (
                            INSERT INTO api_token (name, role, environments, token_hash, created_at, created_by, expires_at)
                            VALUES (:name, :role, :environments, :hash, statement_timestamp(), :by,
                                    statement_timestamp() + make_interval(secs => :lifetime::float8))
                            ON CONFLICT (name) WHERE revoked_at IS NULL DO NOTHING
                            RETURNING *
                        ), audited AS (
                            INSERT INTO audit (at, actor, action, environments, after)
                            SELECT created_at, created_by, 'token_created', '{}',
                                   jsonb_build_object('id', id, 'name', name, 'role', role, 'environments', environments,
                                       'expires_at', to_char(expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
                            FROM created
                        )
                        SELECT %s FROM created""".formatted(COLUMNS))
                .param("name", wanted.name())
                .param("role", wanted.role().name().toLowerCase(Locale.ROOT))
                .param(
                        "environments",
                        wanted.environments().stream()
                                .map(EnvironmentPattern::text)
                                .toArray(String[]::new))
                .param("hash", hash(secret))
                .param("by", by)
                .param("lifetime", lifetime == null ? null : lifetime.toSeconds())
                .query((row, _) -> token(row))
                .optional();
    }

    /**
     * Ends a token, at once and at every replica. Repeating it changes nothing.
     *
     * @param by the name of the admin, for the audit trail
     */
    public TokenRevocation revoke(long id, String by) {
        return Objects.requireNonNull(transactions.execute(_ -> {
            beDurable();
            return revoke(id, by, null);
        }));
    }

    private TokenRevocation revoke(long id, String by, @Nullable String reason) {
        var known = jdbc.sql("""
                        WITH revoked AS (
                            UPDATE api_token
                            SET revoked_at = statement_timestamp()
                            WHERE id = :id
                              AND revoked_at IS NULL
                            RETURNING *
                        ), audited AS (
                            INSERT INTO audit (at, actor, action, environments, reason, before, after)
                            SELECT revoked_at, :by, 'token_revoked', '{}', :reason,
                                   jsonb_build_object('id', id, 'name', name, 'role', role, 'environments', environments,
                                       'expires_at', to_char(expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')),
                                   jsonb_build_object('id', id, 'name', name,
                                       'revoked_at', to_char(revoked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
                            FROM revoked
                        )
                        SELECT EXISTS (SELECT FROM api_token WHERE id = :id)""")
                .param("id", id)
                .param("by", by)
                .param("reason", reason)
                .query(Boolean.class)
                .single();
        return known ? TokenRevocation.REVOKED : TokenRevocation.UNKNOWN;
    }

    /**
     * Tokens, the newest first, the expired and the revoked ones too.
     *
     * @param name only those that have or had this name; null for any
     * @param before lists those with a smaller id; null begins with the newest
     * @param limit how many at most
     */
    public List<ApiToken> list(@Nullable String name, @Nullable Long before, int limit) {
        return jdbc.sql("""
                        SELECT %s
                        FROM api_token
                        WHERE (:name::text IS NULL OR name = :name)
                          AND (:before::bigint IS NULL OR id < :before)
                        ORDER BY id DESC
                        LIMIT :limit""".formatted(COLUMNS))
                .param("name", name)
                .param("before", before)
                .param("limit", limit)
                .query((row, _) -> token(row))
                .list();
    }

    private String secret() {
        var bytes = new byte[SECRET_BYTES];
        random.nextBytes(bytes);
        return PREFIX + ENCODER.encodeToString(bytes);
    }

    /** SHA-256 of the token as it is sent; the schema says why this is enough. */
    private static byte[] hash(String token) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(token.getBytes(StandardCharsets.US_ASCII));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256", e);
        }
    }

    private static ApiToken token(ResultSet row) throws SQLException {
        return new ApiToken(
                row.getLong("id"),
                row.getString("name"),
                role(row),
                environments(row),
                Objects.requireNonNull(instant(row, "created_at")),
                row.getString("created_by"),
                instant(row, "expires_at"),
                instant(row, "last_used_at"),
                instant(row, "revoked_at"));
    }

    private static Role role(ResultSet row) throws SQLException {
        return Role.valueOf(row.getString("role").toUpperCase(Locale.ROOT));
    }

    private static List<EnvironmentPattern> environments(ResultSet row) throws SQLException {
        var texts = (String[]) row.getArray("environments").getArray();
        return Arrays.stream(texts).map(EnvironmentPattern::new).toList();
    }

    private static @Nullable Instant instant(ResultSet row, String column) throws SQLException {
        var at = row.getObject(column, OffsetDateTime.class);
        return at == null ? null : at.toInstant();
    }
}
