package io.lockkeeper.service;

import static org.assertj.core.api.Assertions.assertThat;

import com.nimbusds.jwt.JWTClaimsSet;
import io.lockkeeper.ServiceProcess;
import io.lockkeeper.security.TestIssuer;
import io.lockkeeper.service.Api.Answer;
import java.time.Instant;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.json.JsonMapper;

/** Pipelines that show an ID token: what it says about their runs, and how long it is good for. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class IdTokensIT {
    private static final String COMMIT = "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334";
    private static final List<String> ALL_TRUSTED = List.of("sha", "ref", "repository", "user", "run_url");

    private static final Map<String, Object> GITHUB_CLAIMS = Map.of(
            "repository", "shop/web",
            "repository_owner", "shop",
            "ref", "refs/heads/main",
            "sha", COMMIT,
            "actor", "alice",
            "run_id", "41",
            "run_attempt", "1");
    private static final Map<String, Object> GITLAB_CLAIMS = Map.of(
            "project_path", "shop/api",
            "ref", "main",
            "ref_protected", "true",
            "sha", COMMIT,
            "user_login", "bob",
            "job_id", "302",
            "pipeline_id", "8");

    private final TestIssuer github = new TestIssuer();
    private final TestIssuer gitlab = new TestIssuer();
    private final TestIssuer other = new TestIssuer();
    private final TestIssuer away = new TestIssuer();
    private final ServiceProcess process = start();
    private final Api admin = new Api(process.url(), process.adminToken());

    private ServiceProcess start() {
        away.setAway(true);
        String settings = """
                --provider=github --rules[0].claims.repository=shop/* --rules[0].role=deploy --rules[0].environments=web,web-*
                --provider=gitlab --rules[0].claims.project_path=shop/* --rules[0].claims.ref_protected=true --rules[0].role=deploy --rules[0].environments=api
                --claims.repository=project --claims.run-url=https://ci.example/{project}/{build} --rules[0].claims.project=* --rules[0].role=deploy --rules[0].environments=*
                --rules[0].claims.project=* --rules[0].role=deploy --rules[0].environments=*""";
        List<TestIssuer> issuers = List.of(github, gitlab, other, away);
        StringBuilder all = new StringBuilder();
        for (int i = 0; i < issuers.size(); i++) {
            String line = "--issuer=" + issuers.get(i).uri() + " --audience=" + TestIssuer.AUDIENCE + " "
                    + settings.lines().toList().get(i);
            all.append(line.replace("--", "--lockkeeper.oidc.issuers[" + i + "]."))
                    .append(' ');
        }
        return ServiceProcess.start(all.toString().strip().split(" ", -1));
    }

    @AfterAll
    void stop() {
        process.close();
        List.of(github, gitlab, other, away).forEach(TestIssuer::close);
    }

    @Test
    void github_says_what_the_run_is() {
        Answer acquired = github(Map.of()).acquire("web", "{\"title\": \"Deploy #7\"}");

        assertThat(acquired.outcome()).isEqualTo("granted");
        assertRun(
                acquired,
                Map.of(
                        "sha", COMMIT,
                        "ref", "refs/heads/main",
                        "repository", "shop/web",
                        "user", "alice",
                        "run_url", github.uri() + "/shop/web/actions/runs/41",
                        "title", "Deploy #7"));
        assertTrusted(acquired, ALL_TRUSTED);
        assertThat(acquired.json().at("/deploy/sha").asString()).isEqualTo(COMMIT);
        assertTrusted(admin.look(acquired.runId()), ALL_TRUSTED);
        Answer history = admin.call("GET", "/api/admin/deployments?environment=web&limit=1", null);
        assertThat(history.json().at("/items/0/caller").asString())
                .isEqualTo(github.place() + ":repo:shop/web:ref:refs/heads/main");
        assertThat(texts(history, "/items/0/trusted")).isEqualTo(ALL_TRUSTED);
        github(Map.of()).release(acquired);
    }

    @Test
    void gitlab_says_what_the_run_is() {
        Answer acquired = gitlab(Map.of()).acquire("api", "{}");

        assertThat(acquired.outcome()).isEqualTo("granted");
        assertRun(
                acquired,
                Map.of(
                        "sha", COMMIT,
                        "ref", "main",
                        "repository", "shop/api",
                        "user", "bob",
                        "run_url", gitlab.uri() + "/shop/api/-/jobs/302"));
        assertTrusted(acquired, ALL_TRUSTED);
        gitlab(Map.of()).release(acquired);
    }

    @Test
    void other_issuer_says_what_it_is_configured_to_say() {
        Answer acquired = other(Map.of("project", "tools", "build", 9))
                .acquire("other", "{\"sha\": \"abc\", \"user\": \"carol\"}");

        assertRun(
                acquired,
                Map.of(
                        "repository", "tools",
                        "run_url", "https://ci.example/tools/9",
                        "sha", "abc",
                        "user", "carol"));
        assertTrusted(acquired, List.of("repository", "run_url"));
        admin.release(acquired);
    }

    @Test
    void what_the_token_is_to_say_and_does_not_say_stays_empty() {
        Api client = other(Map.of("project", "tools"));
        Answer acquired = client.acquire("silent", "{}");

        assertThat(acquired.json().at("/run/run_url").isNull()).isTrue();
        assertTrusted(acquired, List.of("repository"));
        assertContradiction(client.acquire("silent", "{\"run_url\": \"https://ci.example/mine\"}"), "run_url");
        admin.release(acquired);
    }

    @Test
    void caller_with_an_api_token_is_believed_and_nothing_is_marked() {
        Answer acquired = admin.acquire("believed", "{\"repository\": \"any/thing\"}");
        assertRun(acquired, Map.of("repository", "any/thing"));
        assertThat(acquired.json().at("/run").has("trusted")).isFalse();
        admin.release(acquired);
    }

    @ParameterizedTest
    @CsvSource({
        "repository, shop/api",
        "ref, refs/heads/dev",
        "sha, a1b2c3d",
        "user, mallory",
        "run_url, https://ci.example/1",
    })
    void body_that_contradicts_the_token_is_refused_and_leaves_no_run(String field, String value) {
        Answer refused = github(Map.of()).acquire("web-x", "{\"" + field + "\": \"" + value + "\"}");
        assertContradiction(refused, field);
        assertThat(admin.call("GET", "/api/admin/deployments?environment=web-x", null)
                        .status())
                .as("no such environment was made")
                .isEqualTo(404);
    }

    @Test
    void body_that_agrees_with_the_token_or_says_nothing_is_taken() {
        Answer acquired = github(Map.of())
                .acquire(
                        "web-agreed",
                        "{\"repository\": \"shop/web\", \"sha\": \"" + COMMIT + "\", \"ref\": \"\", \"user\": \" \"}");
        assertThat(acquired.outcome()).isEqualTo("granted");
        assertTrusted(acquired, ALL_TRUSTED);
        admin.release(acquired);
    }

    @Test
    void queue_check_in_the_name_of_another_repository_is_refused() {
        Answer held = github(Map.of()).acquire("web-check", "{}");
        String path = "/api/environments/web-check/queue-check";
        assertThat(github(Map.of()).call("GET", path, null).status()).isEqualTo(200);
        assertThat(github(Map.of())
                        .call("GET", path + "?repository=shop/web", null)
                        .status())
                .isEqualTo(200);
        assertContradiction(github(Map.of()).call("GET", path + "?repository=shop/api", null), "repository");
        admin.release(held);
    }

    @Test
    void rule_decides_where_and_for_whom_a_token_is_good() {
        assertThat(github(Map.of()).acquire("production", "{}").code()).isEqualTo("forbidden");
        assertThat(github(Map.of("repository", "other/web"))
                        .acquire("web", "{}")
                        .status())
                .isEqualTo(403);
        assertThat(gitlab(Map.of("ref_protected", "false"))
                        .acquire("api", "{}")
                        .json()
                        .path("detail")
                        .asString())
                .startsWith("The ID token is valid, but no rule of this service lets " + gitlab.place());
        assertThat(github(Map.of()).integrity().status()).isEqualTo(403);
    }

    @Test
    void deployment_outlives_the_token_that_acquired_it() {
        Answer acquired = github(Map.of()).acquire("web-long", "{}");
        Api later = new Api(process.url(), github.sign(expired()));

        assertThat(later.acquire("web-long", "{}").status()).isEqualTo(401);
        assertThat(later.look(acquired.runId()).status())
                .as("without the lock token")
                .isEqualTo(401);
        assertThat(later.heartbeat(acquired).status()).isEqualTo(200);
        assertThat(later.await(acquired, 0).status()).isEqualTo(200);
        Answer released = later.release(acquired);
        assertThat(released.status()).isEqualTo(200);
        assertThat(released.json().at("/run/status").asString()).isEqualTo("success");
    }

    @Test
    void expired_token_and_a_wrong_lock_token_open_nothing() {
        Answer acquired = github(Map.of()).acquire("web-wrong", "{}");
        Api later = new Api(process.url(), github.sign(expired()));
        String wrong = acquired.runId() + "." + "A".repeat(43);
        for (String call : List.of("heartbeat", "release", "cancel")) {
            Answer refused =
                    later.call("POST", "/api/runs/" + acquired.runId() + "/" + call, null, "Lock-Token", wrong);
            assertThat(refused.code()).as(call).isEqualTo("lock-token-invalid");
        }
        Answer looked = later.call("GET", "/api/runs/" + acquired.runId(), null, "Lock-Token", wrong);
        assertThat(looked.code()).isEqualTo("lock-token-invalid");
        Answer byName = later.call("POST", "/api/environments/web-wrong/release", null, "Lock-Token", wrong);
        assertThat(byName.code()).isEqualTo("lock-token-invalid");
        admin.release(acquired);
    }

    @Test
    void same_key_for_another_commit_is_another_request() {
        String path = "/api/environments/web-key/acquire";
        Answer first = github(Map.of()).call("POST", path, "{}", "Idempotency-Key", "deploy");
        Answer again = github(Map.of()).call("POST", path, "{}", "Idempotency-Key", "deploy");
        assertThat(again.lockToken()).isEqualTo(first.lockToken());
        Answer other = github(Map.of("sha", "b".repeat(40))).call("POST", path, "{}", "Idempotency-Key", "deploy");
        assertThat(other.code()).isEqualTo("idempotency-key-reused");
        admin.release(first);
    }

    @Test
    void service_started_although_an_issuer_is_away_and_says_so() {
        Answer answer = new Api(process.url(), away.token(Map.of("project", "tools"))).acquire("anything", "{}");
        assertThat(answer.status()).isEqualTo(503);
        assertThat(answer.code()).isEqualTo("issuer-unreachable");
        assertThat(answer.header("Retry-After")).isEqualTo("5");
    }

    @Test
    void log_says_why_and_never_shows_a_token() {
        String token =
                github.sign(github.claims().audience("https://another.example").build());
        assertThat(new Api(process.url(), token).integrity().status()).isEqualTo(401);
        assertThat(process.log())
                .contains("An ID token of " + github.uri() + " is refused: ")
                .contains("The aud claim is not valid")
                .doesNotContain(token)
                .doesNotContain("eyJ");
    }

    private Api github(Map<String, Object> more) {
        return client(github, GITHUB_CLAIMS, more);
    }

    private Api gitlab(Map<String, Object> more) {
        return client(gitlab, GITLAB_CLAIMS, more);
    }

    private Api other(Map<String, Object> claims) {
        return client(other, Map.of(), claims);
    }

    private Api client(TestIssuer issuer, Map<String, Object> claims, Map<String, Object> more) {
        Map<String, Object> all = new HashMap<>(claims);
        all.putAll(more);
        return new Api(process.url(), issuer.token(all));
    }

    private JWTClaimsSet expired() {
        Instant end = Instant.now().minusSeconds(3600);
        JWTClaimsSet.Builder claims = github.claims()
                .issueTime(Date.from(end.minusSeconds(300)))
                .notBeforeTime(Date.from(end.minusSeconds(300)))
                .expirationTime(Date.from(end));
        GITHUB_CLAIMS.forEach(claims::claim);
        return claims.build();
    }

    private static void assertRun(Answer answer, Map<String, String> fields) {
        fields.forEach((name, value) ->
                assertThat(answer.json().at("/run/" + name).asString()).as(name).isEqualTo(value));
    }

    private static void assertTrusted(Answer answer, List<String> fields) {
        assertThat(texts(answer, "/run/trusted")).isEqualTo(fields);
    }

    private static List<String> texts(Answer answer, String path) {
        return List.of(new JsonMapper().convertValue(answer.json().at(path), String[].class));
    }

    private static void assertContradiction(Answer answer, String field) {
        assertThat(answer.status()).isEqualTo(403);
        assertThat(answer.code()).isEqualTo("forbidden");
        assertThat(answer.json().path("field").asString()).isEqualTo(field);
        assertThat(answer.json().path("detail").asString()).startsWith(field + " is ");
    }
}
