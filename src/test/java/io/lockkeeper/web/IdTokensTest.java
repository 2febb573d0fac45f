package io.lockkeeper.web;

import static org.assertj.core.api.Assertions.assertThat;

import com.nimbusds.jose.util.Base64URL;
import com.nimbusds.jwt.JWTClaimsSet;
import io.lockkeeper.security.TestIssuer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which ID tokens get in, and as whom. Each token is checked with keys that an issuer serves over HTTP. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class IdTokensTest {

    private static final String LOCK_TOKEN = "1." + "A".repeat(43);

    private final TestIssuer issuer = new TestIssuer();
    private final TestIssuer neighbour = new TestIssuer();
    private final TestIssuer rotating = new TestIssuer();
    private final TestIssuer away = new TestIssuer();
    private final TestIssuer stranger = new TestIssuer();

    private EdgeServer server;

    @BeforeAll
    void start() {
        away.setAway(true);
        var settings = new ArrayList<String>();
        for (var each : List.of(issuer, neighbour, rotating, away)) {
            var key = "--lockkeeper.oidc.issuers[" + settings.size() / 13 + "].";
            settings.addAll(List.of(
                    key + "issuer=" + each.uri(),
                    key + "audience=" + TestIssuer.AUDIENCE,
                    // The first is found through its discovery document.
                    key + "jwk-set-uri=" + (each == issuer ? "" : each.jwkSetUri()),
                    key + "rules[0].claims.repository=shop/*",
                    key + "rules[0].claims.environment=production",
                    key + "rules[0].role=deploy",
                    key + "rules[0].environments=production",
                    key + "rules[1].claims.job_workflow_ref=shop/ci/*",
                    key + "rules[1].role=admin",
                    key + "rules[1].environments=*",
                    key + "rules[2].claims.repository=shop/*",
                    key + "rules[2].role=view",
                    key + "rules[2].environments=*"));
        }
        server = EdgeServer.start(settings.toArray(String[]::new));
    }

    @AfterAll
    void stop() {
        server.close();
        List.of(issuer, neighbour, rotating, away, stranger).forEach(TestIssuer::close);
    }

    @Test
    void good_token_makes_its_bearer_the_caller() {
        var answer = call(issuer.token(Map.of("repository", "shop/web", "environment", "production")));
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.body())
                .isEqualTo(
                        "{\"name\":\"" + issuer.place() + ":repo:shop/web:ref:refs/heads/main\",\"role\":\"deploy\"}");
    }

    @Test
    void first_rule_that_matches_decides() {
        var both = Map.of(
                "repository", "shop/web", "environment", "production", "job_workflow_ref", "shop/ci/deploy.yml@main");
        assertThat(role(call(issuer.token(both)))).isEqualTo("deploy");
        assertThat(role(call(issuer.token(Map.of("job_workflow_ref", "shop/ci/deploy.yml@main")))))
                .isEqualTo("admin");
        assertThat(call(issuer.token(Map.of("repository", "shop/web", "environment", "staging")))
                        .code())
                .as("a viewer, who may not deploy")
                .isEqualTo("forbidden");
    }

    @Test
    void token_that_no_rule_is_for_is_forbidden_in_a_sentence() {
        var answer = call(issuer.token(Map.of("repository", "other/web", "environment", "production")));
        assertThat(answer.status()).isEqualTo(403);
        assertThat(answer.code()).isEqualTo("forbidden");
        assertThat(answer.json().path("detail").asString())
                .isEqualTo(
                        "The ID token is valid, but no rule of this service lets " + issuer.place()
                                + ":repo:shop/web:ref:refs/heads/main in. Ask the administrator for a rule that its claims match.");
    }

    @Test
    void wrong_audience_is_refused() {
        assertUnauthorized(
                issuer.sign(allowed().audience("https://another.example").build()));
        assertUnauthorized(issuer.sign(allowed().audience((String) null).build()));
        assertThat(call(issuer.sign(allowed()
                                .audience(List.of("https://another.example", TestIssuer.AUDIENCE))
                                .build()))
                        .status())
                .isEqualTo(200);
    }

    @Test
    void wrong_issuer_is_refused() {
        assertUnauthorized(stranger.token(Map.of("repository", "shop/web", "environment", "production")));
        assertUnauthorized(issuer.sign(allowed().issuer(stranger.uri()).build()));
        assertUnauthorized(issuer.sign(allowed().issuer(issuer.uri() + "/").build()));
        assertUnauthorized(issuer.sign(allowed().issuer(null).build()));
        // Signed by one issuer that is known here, in the name of the other.
        assertUnauthorized(issuer.sign(allowed().issuer(neighbour.uri()).build()));
    }

    @Test
    void expired_token_is_refused_and_one_within_the_skew_is_not() {
        assertUnauthorized(issuer.sign(ending(-90)));
        assertThat(call(issuer.sign(ending(-30))).status()).isEqualTo(200);
        assertUnauthorized(issuer.sign(allowed().expirationTime(null).build()));
    }

    @Test
    void token_of_the_future_is_refused_and_one_within_the_skew_is_not() {
        assertUnauthorized(issuer.sign(beginning(90)));
        assertThat(call(issuer.sign(beginning(30))).status()).isEqualTo(200);
    }

    @Test
    void unsigned_token_is_refused() {
        assertUnauthorized(TestIssuer.unsigned(allowed().build()));
    }

    @Test
    void signature_with_the_public_key_as_a_secret_is_refused() {
        assertUnauthorized(issuer.signWithPublicKey(allowed().build()));
    }

    @Test
    void forged_or_altered_token_is_refused() {
        assertUnauthorized(issuer.forge(allowed().build()));
        var token = issuer.sign(allowed().build()).split("\\.", 3);
        var admin = Base64URL.encode(allowed()
                .claim("job_workflow_ref", "shop/ci/deploy.yml@main")
                .build()
                .toString());
        assertUnauthorized(token[0] + "." + admin + "." + token[2]);
        assertUnauthorized(token[0] + "." + token[1] + ".");
    }

    @Test
    void token_of_another_type_is_refused() {
        assertUnauthorized(issuer.sign(allowed().build(), "at+jwt"));
        assertUnauthorized(issuer.sign(allowed().build(), "logout+jwt"));
    }

    @Test
    void subject_must_be_there_and_readable() {
        assertUnauthorized(issuer.sign(allowed().subject(null).build()));
        assertUnauthorized(issuer.sign(allowed().subject("").build()));
        assertUnauthorized(issuer.sign(allowed().subject("two\nlines").build()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"a.b.c", "..", "a.b.", "e30.e30.e30", "e30.e30.", "eyJhbGciOiJub25lIn0.W10.", "a.b.c.d.e"})
    void garbage_is_refused(String token) {
        assertUnauthorized(token);
    }

    @Test
    void garbage_of_a_known_issuer_is_refused() {
        var claims = Base64URL.encode(
                ("{\"iss\":\"" + issuer.uri() + "\",\"exp\":\"soon\"}").getBytes(StandardCharsets.UTF_8));
        assertUnauthorized(Base64URL.encode("{\"alg\":\"RS256\"}") + "." + claims + ".AAAA");
        assertUnauthorized(Base64URL.encode("{\"alg\":\"XX\"}") + "." + claims + ".AAAA");
    }

    @Test
    void other_tokens_are_as_good_as_before() {
        assertThat(server.get("/api/try/caller").body()).isEqualTo("{\"name\":\"admin\",\"role\":\"admin\"}");
        assertUnauthorized("lkt_" + "a".repeat(43));
    }

    @Test
    void new_key_of_the_issuer_is_good_without_a_restart() {
        assertThat(call(allowed(rotating)).status()).isEqualTo(200);
        var old = allowed(rotating);
        rotating.rotate();
        assertThat(call(allowed(rotating)).status()).isEqualTo(200);

        rotating.setAway(true);
        assertThat(call(allowed(rotating)).status())
                .as("a known key while the issuer is away")
                .isEqualTo(200);
        assertThat(call(old).code())
                .as("a key that may be known to the issuer, which cannot be asked")
                .isEqualTo("issuer-unreachable");
    }

    @Test
    void token_that_cannot_be_checked_is_neither_good_nor_wrong() {
        var answer = call(allowed(away));
        assertThat(answer.status()).isEqualTo(503);
        assertThat(answer.code()).isEqualTo("issuer-unreachable");
        assertThat(answer.header("Retry-After")).isEqualTo("5");
        assertThat(answer.header("WWW-Authenticate")).isNull();
        assertThat(answer.json().path("detail").asString())
                .isEqualTo("The token cannot be checked, since the keys of its issuer " + away.uri()
                        + " cannot be fetched at the moment. Send the request again.");
        assertThat(call(allowed(issuer)).status()).as("of another issuer").isEqualTo(200);

        away.setAway(false);
        Awaitility.await()
                .atMost(Duration.ofSeconds(20))
                .until(() -> call(allowed(away)).status() == 200);
    }

    @Test
    void expired_token_is_good_beside_a_lock_token_for_the_calls_of_a_run_only() {
        var expired = issuer.sign(ending(-3600));
        for (var path : List.of("heartbeat", "release", "cancel")) {
            assertThat(withLockToken("POST", "/api/runs/1/" + path, expired))
                    .as(path)
                    .isEqualTo(404);
        }
        assertThat(withLockToken("GET", "/api/runs/1", expired)).isEqualTo(404);
        assertThat(withLockToken("POST", "/api/environments/production/release", expired))
                .isEqualTo(404);

        assertThat(withLockToken("POST", "/api/environments/production/acquire", expired))
                .isEqualTo(401);
        assertThat(withLockToken("GET", "/api/try/caller", expired)).isEqualTo(401);
        assertThat(withLockToken("GET", "/api/runs/1/heartbeat/x", expired)).isEqualTo(401);
        assertThat(server.call("POST", "/api/runs/1/heartbeat", null, "Authorization", "Bearer " + expired)
                        .status())
                .as("without a lock token")
                .isEqualTo(401);
    }

    @Test
    void nothing_but_the_end_is_forgiven_beside_a_lock_token() {
        for (var token : List.of(
                issuer.forge(ending(-3600)),
                TestIssuer.unsigned(ending(-3600)),
                issuer.sign(beginning(90)),
                issuer.sign(allowed().expirationTime(null).build()),
                issuer.sign(allowed().audience("https://another.example").build()))) {
            assertThat(withLockToken("POST", "/api/runs/1/heartbeat", token)).isEqualTo(401);
        }
        assertThat(withLockToken("POST", "/api/runs/1/heartbeat", issuer.token(Map.of("repository", "other/web"))))
                .isEqualTo(403);
    }

    private int withLockToken(String method, String path, String token) {
        return server.call(method, path, null, "Authorization", "Bearer " + token, "Lock-Token", LOCK_TOKEN)
                .status();
    }

    private JWTClaimsSet.Builder allowed() {
        return issuer.claims().claim("repository", "shop/web").claim("environment", "production");
    }

    private static String allowed(TestIssuer by) {
        return by.token(Map.of("repository", "shop/web", "environment", "production"));
    }

    private JWTClaimsSet ending(int seconds) {
        var end = Instant.now().plusSeconds(seconds);
        return allowed()
                .issueTime(Date.from(end.minusSeconds(300)))
                .notBeforeTime(Date.from(end.minusSeconds(300)))
                .expirationTime(Date.from(end))
                .build();
    }

    private JWTClaimsSet beginning(int seconds) {
        return allowed()
                .notBeforeTime(Date.from(Instant.now().plusSeconds(seconds)))
                .build();
    }

    private EdgeServer.Answer call(String token) {
        return server.get("/api/try/caller", "Authorization", "Bearer " + token);
    }

    private static String role(EdgeServer.Answer answer) {
        return answer.json().path("role").asString();
    }

    private void assertUnauthorized(String token) {
        var answer = call(token);
        assertThat(answer.status()).isEqualTo(401);
        assertThat(answer.code()).isEqualTo("unauthorized");
        assertThat(answer.header("WWW-Authenticate")).isEqualTo("Bearer error=\"invalid_token\"");
        assertThat(answer.body()).doesNotContain(token);
    }
}
