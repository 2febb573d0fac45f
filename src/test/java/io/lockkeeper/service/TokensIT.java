package io.lockkeeper.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.ServiceProcess;
import io.lockkeeper.TestDatabase;
import io.lockkeeper.service.Api.Answer;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.jdbc.core.simple.JdbcClient;

/** API tokens over HTTP: who may do what with which, and how soon one ends. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TokensIT {
    private static final AtomicInteger COUNT = new AtomicInteger();

    private final TestDatabase database = TestDatabase.migrated();
    private final JdbcClient jdbc = JdbcClient.create(database.dataSource());
    private final ServiceProcess process = ServiceProcess.startOn(database);
    private final Api admin = new Api(process.url(), process.adminToken());

    @AfterAll
    void stop() {
        process.close();
    }

    @Test
    void created_token_is_shown_once_and_in_no_list() {
        String name = name();
        Answer created = create("""
                {"name": "%s", "role": "deploy", "environments": ["staging", "shop-*"], "expires_in_seconds": 3600}""".formatted(name));

        assertThat(created.status()).isEqualTo(201);
        assertThat(created.header("Cache-Control")).isEqualTo("no-store");
        assertThat(created.text().replaceAll("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ", "<time>"))
                .isEqualTo("{\"id\":" + id(created) + ",\"name\":\"" + name
                        + "\",\"role\":\"deploy\",\"environments\":[\"staging\",\"shop-*\"],\"created_at\":\"<time>\","
                        + "\"created_by\":\"admin\",\"expires_at\":\"<time>\",\"last_used_at\":null,\"revoked_at\":null,"
                        + "\"token\":\"" + secret(created) + "\"}");
        assertThat(secret(created)).matches("lkt_[A-Za-z0-9_-]{43}");

        bearer(created).status("staging");
        Answer list = admin.call("GET", "/api/admin/tokens?limit=1", null);
        assertThat(list.status()).isEqualTo(200);
        assertThat(list.text()).doesNotContain(secret(created)).doesNotContain("hash");
        assertThat(list.json().at("/items/0/name").asString()).isEqualTo(name);
        assertThat(list.json().at("/items/0/last_used_at").isNull()).isFalse();
    }

    @Test
    void created_token_is_told_in_plain_text_for_a_shell() {
        String name = name();
        String created = admin.call(
                        "POST",
                        "/api/admin/tokens",
                        "{\"name\":\"" + name + "\",\"role\":\"view\"}",
                        "Accept",
                        "text/plain")
                .text();
        assertThat(created)
                .matches("id=\\d+\nname=" + name + "\nrole=view\nenvironments=\\*\ntoken=lkt_[A-Za-z0-9_-]{43}\n");
    }

    @Test
    void list_is_paged_from_the_newest() {
        Answer first = create(name(), "view");
        Answer second = create(name(), "view");

        Answer page = admin.call("GET", "/api/admin/tokens?limit=1", null);
        assertThat(page.json().at("/items/0/id").asLong()).isEqualTo(id(second));
        assertThat(page.json().at("/next_before").asLong()).isEqualTo(id(second));
        Answer next = admin.call("GET", "/api/admin/tokens?limit=1&before=" + id(second), null);
        assertThat(next.json().at("/items/0/id").asLong()).isEqualTo(id(first));
        Answer last = admin.call("GET", "/api/admin/tokens?before=1", null);
        assertThat(last.text()).isEqualTo("{\"items\":[],\"next_before\":null}");
    }

    @Test
    void viewer_looks_and_does_nothing_else() {
        Api viewer = bearer(create(name(), "view"));
        Answer held = admin.acquire("viewed", "{}");

        assertThat(viewer.status("viewed").status()).isEqualTo(200);
        assertThat(viewer.look(held.runId()).status()).isEqualTo(200);
        assertForbidden(viewer.acquire("viewed", "{}"));
        assertForbidden(viewer.integrity());
        assertForbidden(viewer.call("GET", "/api/admin/tokens", null));
        admin.release(held);
    }

    @Test
    void deployer_deploys_and_views_and_administers_nothing() {
        Api deployer = bearer(create(name(), "deploy"));

        Answer acquired = deployer.acquire("deployed", "{}");
        assertThat(acquired.outcome()).isEqualTo("granted");
        assertThat(deployer.heartbeat(acquired).status()).isEqualTo(200);
        assertThat(deployer.status("deployed").status()).isEqualTo(200);
        assertThat(deployer.release(acquired).status()).isEqualTo(200);
        assertForbidden(deployer.integrity());
        assertForbidden(deployer.call("POST", "/api/admin/tokens", "{\"name\": \"x\", \"role\": \"admin\"}"));
        assertForbidden(deployer.call("DELETE", "/api/admin/tokens/1", null));
    }

    @Test
    void admin_of_all_environments_makes_tokens_in_its_own_name() {
        String name = name();
        Api second = bearer(create(name, "admin"));

        Answer made =
                second.call("POST", "/api/admin/tokens", "{\"name\": \"%s\", \"role\": \"view\"}".formatted(name()));
        assertThat(made.status()).isEqualTo(201);
        assertThat(made.json().path("created_by").asString()).isEqualTo(name);
        assertThat(second.integrity().status()).isEqualTo(200);
    }

    @Test
    void admin_of_some_environments_cannot_make_itself_one_of_all() {
        Api some = bearer(create("""
                {"name": "%s", "role": "admin", "environments": ["shop-*"]}""".formatted(name())));

        assertThat(some.acquire("shop-web", "{}").outcome()).isEqualTo("granted");
        assertForbidden(some.call("POST", "/api/admin/tokens", "{\"name\": \"more\", \"role\": \"admin\"}"));
        assertForbidden(some.call("GET", "/api/admin/tokens", null));
        assertForbidden(some.call("DELETE", "/api/admin/tokens/1", null));
    }

    @Test
    void token_is_good_in_its_environments_only() {
        Api deployer = bearer(create("""
                {"name": "%s", "role": "deploy", "environments": ["staging-eu", "store-*"]}""".formatted(name())));

        Answer web = deployer.acquire("store-web", "{}");
        assertThat(web.outcome()).isEqualTo("granted");
        deployer.release(web);
        assertForbidden(deployer.acquire("store", "{}"));
        assertForbidden(deployer.status("production"));
        assertForbidden(deployer.call("POST", "/api/acquire", "{\"environments\": [\"store-web\", \"staging-us\"]}"));
        Answer elsewhere = admin.acquire("staging-us", "{}");
        assertForbidden(deployer.look(elsewhere.runId()));
        admin.release(elsewhere);
    }

    @Test
    void expired_token_is_refused() {
        Answer created = create("""
                {"name": "%s", "role": "view", "expires_in_seconds": 3600}""".formatted(name()));
        Api viewer = bearer(created);
        assertThat(viewer.status("production").status()).isEqualTo(200);

        jdbc.sql(
                        "UPDATE api_token SET created_at = created_at - interval '1 day', expires_at = statement_timestamp() WHERE id = ?")
                .param(id(created))
                .update();

        assertUnauthorized(viewer.status("production"));
    }

    @Test
    void revoked_token_is_refused_at_once_by_every_replica() {
        try (ServiceProcess another = ServiceProcess.startOn(database)) {
            for (int i = 0; i < 10; i++) {
                Answer created = create(name(), "view");
                Api there = new Api(another.url(), secret(created));
                assertThat(there.status("production").status()).isEqualTo(200);

                Answer revoked = admin.call("DELETE", "/api/admin/tokens/" + id(created), null);

                assertThat(revoked.status()).isEqualTo(204);
                assertUnauthorized(there.status("production"));
                assertUnauthorized(bearer(created).status("production"));
            }
        }
    }

    @Test
    void revoking_again_is_harmless_and_an_unknown_token_is_said_to_be_unknown() {
        Answer created = create(name(), "view");
        assertThat(revoke(id(created)).status()).isEqualTo(204);
        assertThat(revoke(id(created)).status()).isEqualTo(204);

        Answer unknown = revoke(999_999_999);
        assertThat(unknown.status()).isEqualTo(404);
        assertThat(unknown.code()).isEqualTo("token-unknown");
    }

    @Test
    void name_is_taken_until_its_token_is_revoked() {
        String name = name();
        Answer first = create(name, "view");

        Answer second = create(name, "deploy");
        assertThat(second.status()).isEqualTo(409);
        assertThat(second.code()).isEqualTo("token-name-taken");
        assertThat(second.json().path("field").asString()).isEqualTo("name");

        revoke(id(first));
        assertThat(create(name, "deploy").status()).isEqualTo(201);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "name | {\"role\": \"view\"}",
                "name | {\"name\": \"\", \"role\": \"view\"}",
                "name | {\"name\": \" ci\", \"role\": \"view\"}",
                "name | {\"name\": \"c\\u200bi\", \"role\": \"view\"}",
                "name | {\"name\": \"c\\ni\", \"role\": \"view\"}",
                "name | {\"name\": \"Admin\", \"role\": \"view\"}",
                "role | {\"name\": \"ci\"}",
                "role | {\"name\": \"ci\", \"role\": \"root\"}",
                "environments | {\"name\": \"ci\", \"role\": \"view\", \"environments\": []}",
                "environments | {\"name\": \"ci\", \"role\": \"view\", \"environments\": [\"a\", \"a\"]}",
                "environments[1] | {\"name\": \"ci\", \"role\": \"view\", \"environments\": [\"a\", \"Shop/*\"]}",
                "environments[0] | {\"name\": \"ci\", \"role\": \"view\", \"environments\": [null]}",
                "expires_in_seconds | {\"name\": \"ci\", \"role\": \"view\", \"expires_in_seconds\": 0}",
                "expires_in_seconds | {\"name\": \"ci\", \"role\": \"view\", \"expires_in_seconds\": \"1d\"}",
                "expires_in | {\"name\": \"ci\", \"role\": \"view\", \"expires_in\": 60}",
            })
    void what_is_wrong_in_a_request_is_named(String field, String body) {
        Answer refused = create(body);

        assertThat(refused.status()).as(refused.text()).isEqualTo(400);
        assertThat(refused.code()).isEqualTo("invalid-request");
        assertThat(refused.json().path("field").asString()).isEqualTo(field);
    }

    @Test
    void name_of_a_hundred_characters_of_any_script_is_one() {
        String name = "ü".repeat(98) + " " + COUNT.incrementAndGet() % 10;
        assertThat(create(name, "view").status()).isEqualTo(201);
        assertThat(create(name + "1", "view").json().path("field").asString()).isEqualTo("name");
    }

    @Test
    void changes_are_in_the_audit_trail_and_secrets_are_nowhere() {
        String name = name();
        Answer created = create(name, "view");
        bearer(created).status("production");
        revoke(id(created));

        assertThat(jdbc.sql("""
                        SELECT actor || ' ' || action || ' ' || (after ->> 'name')
                        FROM audit
                        WHERE after ->> 'name' = ?
                        ORDER BY id""").param(name).query(String.class).list())
                .containsExactly("admin token_created " + name, "admin token_revoked " + name);
        assertThat(jdbc.sql("SELECT count(*) FROM audit WHERE strpos(audit::text, ?) > 0")
                        .param(secret(created))
                        .query(Integer.class)
                        .single())
                .isZero();
        assertThat(process.log()).doesNotContain(secret(created));
    }

    private static String name() {
        return "token-" + COUNT.incrementAndGet();
    }

    private Answer create(String name, String role) {
        return create("{\"name\": \"%s\", \"role\": \"%s\"}".formatted(name, role));
    }

    private Answer create(String body) {
        return admin.call("POST", "/api/admin/tokens", body);
    }

    private Answer revoke(long id) {
        return admin.call("DELETE", "/api/admin/tokens/" + id, null);
    }

    private Api bearer(Answer created) {
        return new Api(process.url(), secret(created));
    }

    private static long id(Answer created) {
        return created.json().path("id").asLong();
    }

    private static String secret(Answer created) {
        return created.json().path("token").asString();
    }

    private static void assertForbidden(Answer answer) {
        assertThat(answer.status()).as(answer.text()).isEqualTo(403);
        assertThat(answer.code()).isEqualTo("forbidden");
    }

    private static void assertUnauthorized(Answer answer) {
        assertThat(answer.status()).as(answer.text()).isEqualTo(401);
        assertThat(answer.code()).isEqualTo("unauthorized");
        assertThat(answer.header("WWW-Authenticate")).isEqualTo("Bearer error=\"invalid_token\"");
    }
}
