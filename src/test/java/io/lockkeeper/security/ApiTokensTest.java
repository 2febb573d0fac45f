package io.lockkeeper.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import io.lockkeeper.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.dao.DataIntegrityViolationException;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.support.JdbcTransactionManager;

/** Stored tokens, on a database. */
class ApiTokensTest {

    private final TestDatabase database = TestDatabase.migrated();
    private final JdbcClient jdbc = JdbcClient.create(database.dataSource());
    private final ApiTokens tokens = new ApiTokens(jdbc, new JdbcTransactionManager(database.dataSource()));

    @Test
    void a_token_is_its_bearers_name_role_and_environments() {
        var created = created("ci", Role.DEPLOY, null, "staging", "shop-*");

        assertThat(created.secret()).matches("lkt_[A-Za-z0-9_-]{43}");
        assertThat(created.token().createdBy()).isEqualTo("alice");
        assertThat(tokens.find(created.secret()))
                .contains(new Caller(
                        "ci",
                        Role.DEPLOY,
                        List.of(new EnvironmentPattern("staging"), new EnvironmentPattern("shop-*"))));
    }

    @Test
    void only_its_hash_is_stored_and_no_string_form_shows_it() throws Exception {
        var created = created("ci", Role.DEPLOY, null, "*");

        var stored =
                jdbc.sql("SELECT token_hash FROM api_token").query(byte[].class).single();
        assertThat(stored)
                .isEqualTo(MessageDigest.getInstance("SHA-256")
                        .digest(created.secret().getBytes(StandardCharsets.US_ASCII)));
        assertThat(created.toString()).doesNotContain(created.secret());
    }

    @Test
    void what_nobody_was_given_is_unknown() {
        assertThat(tokens.find("lkt_" + "A".repeat(43))).isEmpty();
        assertThat(tokens.find("anything")).isEmpty();
    }

    @Test
    void a_token_ends_when_it_expires() {
        var created = created("ci", Role.VIEW, Duration.ofHours(1), "*");
        assertThat(created.token().expiresAt())
                .isEqualTo(created.token().createdAt().plus(Duration.ofHours(1)));
        assertThat(tokens.find(created.secret())).isPresent();

        expire("ci");

        assertThat(tokens.find(created.secret())).isEmpty();
    }

    @Test
    void a_token_ends_when_it_is_revoked_and_revoking_it_again_changes_nothing() {
        var created = created("ci", Role.VIEW, null, "*");
        var id = created.token().id();

        assertThat(tokens.revoke(id, "bob")).isEqualTo(TokenRevocation.REVOKED);
        assertThat(tokens.find(created.secret())).isEmpty();
        var revokedAt = revokedAt(id);

        assertThat(tokens.revoke(id, "carol")).isEqualTo(TokenRevocation.REVOKED);
        assertThat(revokedAt(id)).isEqualTo(revokedAt);
        assertThat(audit()).extracting(Audited::actor).containsExactly("alice", "bob");
        assertThat(tokens.revoke(id + 1, "bob")).isEqualTo(TokenRevocation.UNKNOWN);
    }

    @Test
    void a_name_belongs_to_one_live_token() {
        var first = created("ci", Role.VIEW, null, "*");

        assertThat(tokens.create(wanted("ci", Role.ADMIN, null, "*"), "bob")).isEqualTo(new TokenCreation.NameTaken());
        assertThat(audit()).hasSize(1);

        tokens.revoke(first.token().id(), "bob");
        assertThat(tokens.create(wanted("ci", Role.ADMIN, null, "*"), "bob")).isInstanceOf(TokenCreation.Created.class);
    }

    @Test
    void the_name_of_an_expired_token_is_free() {
        created("ci", Role.VIEW, Duration.ofHours(1), "*");
        expire("ci");

        var second = created("ci", Role.DEPLOY, null, "*");

        assertThat(tokens.find(second.secret())).isPresent();
        assertThat(audit())
                .extracting(Audited::action, Audited::reason)
                .containsExactly(
                        tuple("token_created", null),
                        tuple("token_revoked", "It had expired, and a new token takes its name."),
                        tuple("token_created", null));
    }

    @Test
    void of_many_who_want_a_name_at_once_one_gets_it() throws Exception {
        created("ci", Role.VIEW, Duration.ofHours(1), "*");
        expire("ci");

        var outcomes = new ArrayList<TokenCreation>();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Callable<TokenCreation> create = () -> tokens.create(wanted("ci", Role.VIEW, null, "*"), "alice");
            for (var future : threads.invokeAll(Collections.nCopies(12, create))) {
                outcomes.add(future.get());
            }
        }

        assertThat(outcomes).filteredOn(TokenCreation.Created.class::isInstance).hasSize(1);
        assertThat(audit())
                .extracting(Audited::action)
                .containsExactly("token_created", "token_revoked", "token_created");
    }

    @Test
    void every_change_is_audited_without_the_secret() {
        var created = created("ci", Role.DEPLOY, Duration.ofDays(1), "staging", "shop-*");
        tokens.revoke(created.token().id(), "bob");

        var rows = audit();
        assertThat(rows).extracting(Audited::action).containsExactly("token_created", "token_revoked");
        assertThat(rows.getFirst().after())
                .contains("\"name\": \"ci\"", "\"role\": \"deploy\"", "[\"staging\", \"shop-*\"]")
                .matches(".*\"expires_at\": \"\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ\".*");
        assertThat(rows.getLast().before()).contains("\"role\": \"deploy\"");
        assertThat(rows.getLast().after()).contains("\"revoked_at\"", "\"name\": \"ci\"");
        var hash = jdbc.sql("SELECT encode(token_hash, 'hex') FROM api_token")
                .query(String.class)
                .single();
        assertThat(rows.toString()).doesNotContain(created.secret(), hash);
    }

    @Test
    void a_change_that_cannot_be_audited_does_not_happen() {
        var created = created("ci", Role.DEPLOY, null, "*");
        jdbc.sql("ALTER TABLE audit ADD CONSTRAINT audit_is_full CHECK (id < 2) NOT VALID")
                .update();

        assertThatThrownBy(() -> tokens.create(wanted("other", Role.VIEW, null, "*"), "bob"))
                .isInstanceOf(DataIntegrityViolationException.class);
        assertThatThrownBy(() -> tokens.revoke(created.token().id(), "bob"))
                .isInstanceOf(DataIntegrityViolationException.class);

        assertThat(tokens.list(null, null, 10)).hasSize(1);
        assertThat(tokens.find(created.secret())).isPresent();
    }

    @Test
    void the_last_use_is_noted_once_a_minute() {
        var created = created("ci", Role.VIEW, null, "*");
        assertThat(lastUsed()).isNull();

        tokens.find(created.secret());
        var first = lastUsed();
        assertThat(first).isNotNull();
        tokens.find(created.secret());
        assertThat(lastUsed()).isEqualTo(first);

        jdbc.sql("UPDATE api_token SET last_used_at = last_used_at - interval '61 s'")
                .update();
        tokens.find(created.secret());
        assertThat(lastUsed()).isAfterOrEqualTo(first);
    }

    @Test
    void a_refused_token_is_not_used() {
        var created = created("ci", Role.VIEW, null, "*");
        tokens.revoke(created.token().id(), "bob");

        tokens.find(created.secret());

        assertThat(lastUsed()).isNull();
    }

    @Test
    void a_last_use_that_cannot_be_noted_fails_nobody() {
        var created = created("ci", Role.VIEW, null, "*");
        jdbc.sql("ALTER TABLE api_token ADD CONSTRAINT api_token_is_never_used CHECK (last_used_at IS NULL)")
                .update();

        assertThat(tokens.find(created.secret())).isPresent();
    }

    @Test
    void a_locked_row_delays_nobody() throws Exception {
        var created = created("ci", Role.VIEW, null, "*");
        try (var connection = database.dataSource().getConnection();
                var statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("SELECT FROM api_token FOR UPDATE");

            assertTimeoutPreemptively(
                    Duration.ofSeconds(10),
                    () -> assertThat(tokens.find(created.secret())).isPresent());
        }
    }

    @Test
    void the_list_has_the_newest_first_and_goes_on_where_it_ended() {
        var first = created("one", Role.VIEW, null, "*").token();
        var second = created("two", Role.VIEW, null, "*").token();
        var third = created("three", Role.VIEW, null, "*").token();

        assertThat(tokens.list(null, null, 2)).containsExactly(third, second);
        assertThat(tokens.list(null, second.id(), 2)).containsExactly(first);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "api_token_name_is_not_reserved  | 'Admin', 'view', '{*}', sha256('a'), statement_timestamp()",
                "api_token_name_has_a_length     | '', 'view', '{*}', sha256('a'), statement_timestamp()",
                "api_token_role_is_known         | 'ci', 'root', '{*}', sha256('a'), statement_timestamp()",
                "api_token_names_environments    | 'ci', 'view', array_fill('a'::text, ARRAY[33]), sha256('a'), statement_timestamp()",
                "api_token_environments_are_valid| 'ci', 'view', '{ok,Shop}', sha256('a'), statement_timestamp()",
                "api_token_environments_are_valid| 'ci', 'view', '{ok,NULL}', sha256('a'), statement_timestamp()",
                "api_token_hash_is_sha_256       | 'ci', 'view', '{*}', 'lkt_secret', statement_timestamp()",
                "api_token_expires_after_its_creation | 'ci', 'view', '{*}', sha256('a'), timestamptz 'epoch'",
            })
    void the_database_refuses_what_makes_no_sense(String constraint, String values) {
        assertThatThrownBy(() -> jdbc.sql(
                                "INSERT INTO api_token (name, role, environments, token_hash, expires_at, created_at, created_by)"
                                        + " VALUES (" + values + " + interval '1 s', statement_timestamp(), 'alice')")
                        .update())
                .hasMessageContaining('"' + constraint + '"');
    }

    private TokenCreation.Created created(String name, Role role, @Nullable Duration lifetime, String... environments) {
        return (TokenCreation.Created) tokens.create(wanted(name, role, lifetime, environments), "alice");
    }

    private static NewApiToken wanted(String name, Role role, @Nullable Duration lifetime, String... environments) {
        return new NewApiToken(
                name,
                role,
                List.of(environments).stream().map(EnvironmentPattern::new).toList(),
                lifetime);
    }

    private void expire(String name) {
        jdbc.sql("""
                UPDATE api_token
                SET created_at = created_at - interval '1 day', expires_at = statement_timestamp()
                WHERE name = ?""").param(name).update();
    }

    /** One row of the audit trail. */
    record Audited(String actor, String action, @Nullable String reason, String before, String after) {}

    private List<Audited> audit() {
        return jdbc.sql("SELECT actor, action, reason, before::text, after::text FROM audit ORDER BY id")
                .query((row, _) -> new Audited(
                        row.getString("actor"),
                        row.getString("action"),
                        row.getString("reason"),
                        row.getString("before"),
                        row.getString("after")))
                .list();
    }

    private @Nullable Instant lastUsed() {
        return tokens.list(null, null, 1).getFirst().lastUsedAt();
    }

    private @Nullable Instant revokedAt(long id) {
        return tokens.list(null, id + 1, 1).getFirst().revokedAt();
    }
}
