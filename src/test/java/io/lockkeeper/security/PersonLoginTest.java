package io.lockkeeper.security;

import static io.lockkeeper.security.TestBrowser.location;
import static io.lockkeeper.security.TestBrowser.text;
import static org.assertj.core.api.Assertions.assertThat;

import com.nimbusds.jwt.JWTClaimsSet;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.jdbc.core.simple.JdbcClient;

/** People log in to the page through an identity provider, whom a rule lets in, and nobody else. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@ExtendWith(OutputCaptureExtension.class)
class PersonLoginTest {

    private static final String START = "/oauth2/authorization/oidc";
    private static final Map<String, Object> ADMIN =
            Map.of("preferred_username", "alice", "groups", List.of("everybody", "admins"), "email", "a@shop.example");
    private static final Map<String, Object> DEPLOYER =
            Map.of("preferred_username", "bob", "groups", List.of("everybody", "deployers"));

    private final TestIdentityProvider provider = new TestIdentityProvider();
    // At debug, so that what must not be logged is shown not to be by the tests below.
    private final WholeService service = new WholeService(Stream.concat(
                    Stream.of("--logging.level.root=DEBUG"),
                    Stream.of(provider.settings(
                            "rules[0].claims.groups=admins",
                            "rules[0].claims.email=*@shop.example",
                            "rules[0].role=admin",
                            "rules[0].environments[0]=*",
                            "rules[1].claims.groups=deploy*",
                            "rules[1].role=deploy",
                            "rules[1].environments[0]=staging")))
            .toArray(String[]::new));
    private final JdbcClient jdbc = JdbcClient.create(service.database().dataSource());

    @BeforeEach
    void nothingIsSpoilt() {
        provider.issuer.setAway(false);
        provider.person = ADMIN;
        provider.userInfo = Map.of();
        provider.claims = UnaryOperator.identity();
        provider.signing = provider.issuer::sign;
    }

    @AfterAll
    void stop() {
        service.close();
        provider.close();
    }

    private TestBrowser browser() {
        return new TestBrowser(service.url());
    }

    /** With the code with which the provider sends the person back. */
    private String comeBack(TestBrowser browser) {
        return location(browser.get(location(browser.get(START))));
    }

    /** Where the person is led in the end. */
    private String logIn(TestBrowser browser) {
        return location(browser.get(comeBack(browser)));
    }

    private int sessions() {
        return jdbc.sql("SELECT count(*) FROM page_session")
                .query(Integer.class)
                .single();
    }

    @Test
    void who_is_led_to_the_log_in_comes_to_where_they_were_going_by_way_of_the_provider() {
        var browser = browser();
        assertThat(location(browser.get("/history?user=alice"))).isEqualTo("/login");
        assertThat(text(browser.get("/login")))
                .contains("href=\"" + START + "\"", "Log in with Shop&#39;s accounts", "name=\"token\"");
        assertThat(logIn(browser)).isEqualTo("/history?user=alice");
        assertThat(text(browser.get("/")))
                .contains("person:" + provider.issuer.place() + ":alice")
                .contains("Log out");
    }

    @Test
    void claims_give_role_and_environments_by_the_first_rule_that_they_match() {
        var admin = browser();
        assertThat(logIn(admin)).isEqualTo("/");
        assertThat(admin.get("/freeze").statusCode()).isEqualTo(200);
        provider.person = DEPLOYER;
        var deployer = browser();
        assertThat(logIn(deployer)).isEqualTo("/");
        assertThat(deployer.get("/freeze").statusCode()).isEqualTo(403);
        assertThat(deployer.get("/environments/production").statusCode()).isEqualTo(403);
        assertThat(deployer.get("/environments/staging").statusCode()).isNotEqualTo(403);
        assertThat(deployer.get("/environments/staging/actions").statusCode()).isEqualTo(403);
    }

    @Test
    void what_the_provider_says_only_about_the_user_counts_as_well() {
        provider.person = Map.of();
        provider.userInfo = ADMIN;
        var browser = browser();
        assertThat(logIn(browser)).isEqualTo("/");
        assertThat(browser.get("/freeze").statusCode()).isEqualTo(200);
    }

    @Test
    void what_the_provider_says_about_another_user_is_refused() {
        provider.person = Map.of();
        provider.userInfo = Map.of("sub", "4712", "preferred_username", "alice", "groups", List.of("deployers"));
        assertRefused(browser());
    }

    @Test
    void an_action_of_a_person_is_in_the_audit_trail_under_a_name_that_no_token_of_the_issuer_has() {
        var browser = browser();
        logIn(browser);
        browser.open("/freeze");
        assertThat(location(browser.post("/freeze", Map.of("reason", "by a person"))))
                .startsWith("/");
        browser.open("/freeze");
        browser.post("/unfreeze", Map.of("reason", "by a person"));
        assertThat(jdbc.sql("SELECT DISTINCT actor FROM audit WHERE reason = 'by a person'")
                        .query(String.class)
                        .list())
                .containsExactly("person:" + provider.issuer.place() + ":alice");
    }

    @Test
    void a_person_whom_no_rule_lets_in_is_told_so_and_has_no_session() {
        for (var stranger : List.<Map<String, Object>>of(
                Map.of("preferred_username", "eve", "groups", List.of("everybody")),
                Map.of("preferred_username", "eve", "groups", List.of("admins"), "email", "eve@evil.example"),
                Map.of(
                        "preferred_username",
                        "eve",
                        "groups",
                        List.of("admins"),
                        "email",
                        "a@shop.example",
                        "email_verified",
                        false))) {
            provider.person = stranger;
            var browser = browser();
            var before = sessions();
            assertThat(logIn(browser)).as(stranger.toString()).isEqualTo("/login?stranger");
            assertThat(text(browser.get("/login?stranger")))
                    .contains("Shop&#39;s accounts knows you, and no rule of this service lets you in");
            assertThat(location(browser.get("/"))).isEqualTo("/login");
            assertThat(sessions()).isEqualTo(before);
        }
    }

    static Stream<Arguments> spoiltClaims() {
        return Stream.of(
                spoilt("the nonce of another log-in", claims -> claims.claim("nonce", "another")),
                spoilt("no nonce", claims -> claims.claim("nonce", null)),
                spoilt("for another audience", claims -> claims.audience("another page")),
                spoilt("of another issuer", claims -> claims.issuer("https://evil.example")),
                spoilt(
                        "expired",
                        claims -> claims.issueTime(Date.from(Instant.now().minus(Duration.ofMinutes(10))))
                                .notBeforeTime(null)
                                .expirationTime(Date.from(Instant.now().minus(Duration.ofMinutes(5))))),
                spoilt("without an end", claims -> claims.expirationTime(null)),
                spoilt(
                        "for several, and made for another of them",
                        claims -> claims.audience(List.of(TestIdentityProvider.CLIENT_ID, "another"))
                                .claim("azp", "another")),
                spoilt("without the name", claims -> claims.claim("preferred_username", null)),
                spoilt("with a name of two lines", claims -> claims.claim("preferred_username", "alice\nbob")));
    }

    private static Arguments spoilt(String how, UnaryOperator<JWTClaimsSet.Builder> claims) {
        return Arguments.of(how, claims);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("spoiltClaims")
    void an_id_token_that_is_not_for_this_log_in_is_refused(String how, UnaryOperator<JWTClaimsSet.Builder> claims) {
        provider.claims = claims;
        assertRefused(browser());
    }

    @Test
    void an_id_token_that_the_provider_has_not_signed_is_refused() {
        provider.signing = provider.issuer::forge;
        assertRefused(browser());
        provider.signing = provider.issuer::signWithPublicKey;
        assertRefused(browser());
        provider.signing = TestIssuer::unsigned;
        assertRefused(browser());
    }

    private void assertRefused(TestBrowser browser) {
        var before = sessions();
        assertThat(logIn(browser)).isEqualTo("/login?failed");
        assertThat(text(browser.get("/login?failed"))).contains("The log-in through Shop&#39;s accounts did not work");
        assertThat(location(browser.get("/"))).isEqualTo("/login");
        assertThat(sessions()).isEqualTo(before);
    }

    @Test
    void a_code_opens_a_session_only_in_the_browser_that_began_the_log_in_and_only_once() {
        var thief = browser();
        var victim = browser();
        var address = comeBack(victim);
        assertThat(location(thief.get(address))).isEqualTo("/login?failed");
        // A thief who has begun a log-in of their own has another state.
        thief.get(START);
        assertThat(location(thief.get(address))).isEqualTo("/login?failed");
        assertThat(location(thief.get("/"))).isEqualTo("/login");
        assertThat(location(victim.get(address))).isEqualTo("/");
        assertThat(location(browser().get(address))).isEqualTo("/login?failed");
    }

    @Test
    void another_code_than_the_log_in_was_given_is_refused_by_its_verifier() {
        var thief = browser();
        var victims = TestIdentityProvider.form(URI.create(comeBack(browser())).getRawQuery());
        var own = comeBack(thief);
        var mixed = own.replaceAll("code=[^&]+", "code=" + victims.get("code"));
        assertThat(location(thief.get(mixed))).isEqualTo("/login?failed");
        assertThat(location(thief.get("/"))).isEqualTo("/login");
    }

    @Test
    void what_somebody_writes_behind_the_address_is_neither_shown_nor_logged(CapturedOutput output) {
        var browser = browser();
        var state = TestIdentityProvider.form(
                        URI.create(location(browser.get(START))).getRawQuery())
                .get("state");
        var address = "/login/oauth2/code/oidc?error=%0A%0Ainjected&error_description=injected&state="
                + URLEncoder.encode(Objects.requireNonNull(state), StandardCharsets.UTF_8);
        assertThat(location(browser.get(address))).isEqualTo("/login?failed");
        assertThat(text(browser.get("/login?failed"))).doesNotContain("injected");
        assertThat(output.toString()).contains("has failed: an unusual error").doesNotContain("injected");
    }

    @Test
    void logging_in_gives_the_session_another_id_and_logging_out_ends_it() {
        var browser = browser();
        var address = comeBack(browser);
        var before = Objects.requireNonNull(browser.cookies.get("lockkeeper-session"));
        assertThat(location(browser.get(address))).isEqualTo("/");
        assertThat(browser.cookies.get("lockkeeper-session")).isNotEqualTo(before);
        var fixed = browser();
        fixed.cookies.put("lockkeeper-session", before);
        assertThat(location(fixed.get("/"))).isEqualTo("/login");

        var copy = browser();
        copy.cookies.putAll(browser.cookies);
        assertThat(copy.get("/").statusCode()).isEqualTo(200);
        browser.open("/");
        assertThat(location(browser.post("/logout", Map.of()))).isEqualTo("/login?out");
        assertThat(location(copy.get("/"))).isEqualTo("/login");
    }

    @Test
    void a_session_that_only_waits_for_somebody_to_come_back_is_kept_for_minutes() {
        jdbc.sql("DELETE FROM page_session").update();
        var browser = browser();
        var address = comeBack(browser);
        assertThat(longestIdleSeconds()).isEqualTo(15 * 60);
        browser.get(address);
        assertThat(longestIdleSeconds()).isEqualTo(12 * 60 * 60);
    }

    private int longestIdleSeconds() {
        return jdbc.sql("SELECT max(max_inactive_interval) FROM page_session")
                .query(Integer.class)
                .single();
    }

    @Test
    void no_secret_of_the_log_in_is_logged_or_stored(CapturedOutput output) {
        var browser = browser();
        assertThat(logIn(browser)).isEqualTo("/");
        assertThat(browser.get("/").statusCode()).isEqualTo(200);
        provider.signing = provider.issuer::forge;
        logIn(browser());
        var stored = jdbc.sql("SELECT attribute_bytes FROM page_session_attributes").query(byte[].class).list().stream()
                .map(bytes -> new String(bytes, StandardCharsets.ISO_8859_1))
                .toList();
        assertThat(stored).anyMatch(bytes -> bytes.contains("admins")).noneMatch(bytes -> bytes.contains("everybody"));
        assertThat(output.toString()).contains("DEBUG");
        for (var secret : provider.secrets) {
            assertThat(output.toString().contains(secret))
                    .as("logged: " + secret)
                    .isFalse();
            assertThat(stored).as("stored: " + secret).noneMatch(bytes -> bytes.contains(secret));
        }
    }

    @Test
    void while_the_provider_is_away_the_page_says_so_and_a_token_lets_in() {
        try (var away = new TestIdentityProvider()) {
            away.issuer.setAway(true);
            away.person = DEPLOYER;
            var started = new WholeService(away.settings(
                    "rules[0].claims.groups=deployers", "rules[0].role=deploy", "rules[0].environments[0]=*"));
            try {
                var browser = new TestBrowser(started.url());
                assertThat(location(browser.get(START))).isEqualTo("/login?away");
                assertThat(text(browser.get("/login?away")))
                        .contains("Shop&#39;s accounts cannot be reached at the moment");
                assertThat(browser.logIn(WholeService.ADMIN_TOKEN)).isEqualTo("/");
            } finally {
                started.close();
            }
        }
    }

    @Test
    void without_a_provider_nothing_is_offered_and_nothing_is_there() {
        var without = new WholeService();
        try {
            var browser = new TestBrowser(without.url());
            assertThat(text(browser.get("/login?stranger"))).doesNotContain("oauth2", "Log in with");
            assertThat(browser.get(START).statusCode()).isEqualTo(404);
            assertThat(browser.get("/login/oauth2/code/oidc?code=x&state=y").statusCode())
                    .isEqualTo(404);
        } finally {
            without.close();
        }
    }
}
