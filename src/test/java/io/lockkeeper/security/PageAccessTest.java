package io.lockkeeper.security;

import static io.lockkeeper.security.TestBrowser.location;
import static io.lockkeeper.security.TestBrowser.text;
import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.security.AccessRule.Access;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.http.HttpMethod;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Who gets in to the page, how, and for how long. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PageAccessTest {
    private static final JsonMapper JSON = new JsonMapper();

    private final HttpClient http = HttpClient.newHttpClient();
    private final WholeService service = new WholeService();
    private final Map<String, Visitor> visitors = new LinkedHashMap<>();
    private String maker = "";

    /** Somebody at a browser; without a role, somebody whose session is none. */
    private record Visitor(TestBrowser browser, @Nullable Role role, String pattern) {}

    @BeforeAll
    void logEverybodyIn() {
        maker = create("maker", Role.DEPLOY, "*").secret();
        var stranger = new TestBrowser(service.url());
        stranger.open("/login");
        visitors.put("a stranger", new Visitor(stranger, null, ""));
        var forger = new TestBrowser(service.url());
        forger.open("/login");
        forger.cookies.put("lockkeeper-session", "00000000-0000-0000-0000-000000000000.AAAA");
        visitors.put("a forged session", new Visitor(forger, null, ""));
        var revoked = create("revoked", Role.ADMIN, "*");
        var late = new TestBrowser(service.url());
        late.logIn(revoked.secret());
        late.open("/");
        service.context().getBean(ApiTokens.class).revoke(revoked.token().id(), "test");
        visitors.put("the session of a revoked token", new Visitor(late, null, ""));
        visitors.put("the admin token's session", visitor(WholeService.ADMIN_TOKEN, Role.ADMIN, "*"));
        for (var role : Role.values()) {
            for (var pattern : List.of("*", "access-*", "access-a", "other-*")) {
                var name = role.name().toLowerCase(Locale.ROOT) + " of " + pattern;
                visitors.put(name, visitor(create(name, role, pattern).secret(), role, pattern));
            }
        }
    }

    private Visitor visitor(String token, Role role, String pattern) {
        var browser = new TestBrowser(service.url());
        assertThat(browser.logIn(token)).isEqualTo("/");
        browser.open("/");
        return new Visitor(browser, role, pattern);
    }

    private TokenCreation.Created create(String name, Role role, String pattern) {
        var wanted = new NewApiToken(name, role, List.of(new EnvironmentPattern(pattern)), null);
        return (TokenCreation.Created)
                service.context().getBean(ApiTokens.class).create(wanted, "test");
    }

    @AfterAll
    void stop() {
        // Answers that nobody has read to their end would be waited for.
        http.shutdownNow();
        service.close();
    }

    private static Stream<AccessRule> rules() {
        // A log-out would end the sessions of the others.
        return AccessRules.PAGE.stream().filter(rule -> !rule.path().equals("/logout"));
    }

    @ParameterizedTest
    @MethodSource("rules")
    void each_page_lets_in_whom_the_table_says_and_nobody_else(AccessRule rule) {
        var expected = new LinkedHashMap<String, String>();
        var seen = new LinkedHashMap<String, String>();
        visitors.forEach((name, visitor) -> {
            expected.put(name, expected(rule, visitor));
            seen.put(name, seen(rule, visitor));
        });
        assertThat(seen).isEqualTo(expected);
    }

    /** The run of each request is one in {@code access-a} and {@code access-b}. */
    private static String expected(AccessRule rule, Visitor visitor) {
        if (!(rule.access() instanceof Access.Bearer(var needed, var where))) {
            return "in";
        }
        var role = visitor.role();
        if (role == null) {
            return "log in";
        }
        var isEverywhere = visitor.pattern().equals("*");
        var isInBoth = isEverywhere || visitor.pattern().equals("access-*");
        var isInOne = isInBoth || visitor.pattern().equals("access-a");
        var reaches = switch (where) {
            case PATH -> isInOne;
            case EVERYWHERE -> isEverywhere;
            case RUN -> isInBoth;
            case RUN_AS_APPROVER -> isInBoth && role == Role.ADMIN;
            case SHOWN -> true;
            case ANY, BODY, PARAMETER, PATH_OR_ADMIN_WITHOUT_BODY, LOCK_TOKEN, LOCK_TOKEN_OR_ADMIN_OF_RUN ->
                throw new AssertionError("no page is " + where);
        };
        return role.includes(needed) && reaches ? "in" : "403";
    }

    private String seen(AccessRule rule, Visitor visitor) {
        var path = rule.path().replace("{environment}", "access-a").replace("/*", "/page.js");
        if (path.contains("{id}")) {
            path = path.replace("{id}", newRun().at("/run/id").asString());
        } else if (path.contains("/access-a")) {
            newRun();
        }
        var answer = rule.method().equals(HttpMethod.GET)
                ? visitor.browser().get(path)
                : visitor.browser()
                        .post(
                                path,
                                Map.of("reason", "a test", "confirm", "access-a", "fencingToken", "1", "token", "x"));
        try (var body = answer.body()) {
            assertThat(answer.statusCode()).as(rule + " as " + visitor).isLessThan(500);
            if (answer.statusCode() == 200 && visitor.pattern().startsWith("other") && !path.equals("/live")) {
                assertThat(new String(body.readAllBytes(), StandardCharsets.UTF_8))
                        .doesNotContain("access-");
            }
            return location(answer).equals("/login") ? "log in" : answer.statusCode() == 403 ? "403" : "in";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A run that waits for an approval, so that it can be approved. */
    private JsonNode newRun() {
        call("PUT", "/api/admin/environments/access-a", WholeService.ADMIN_TOKEN, "{\"approvals_required\": 1}");
        return call(
                "POST", "/api/acquire", maker, "{\"environments\": [\"access-a\", \"access-b\"], \"batch\": false}");
    }

    private JsonNode call(String method, String path, String token, String body) {
        var request = HttpRequest.newBuilder(service.url().resolve(path))
                .header("Authorization", "Bearer " + token)
                .header("Content-Type", "application/json")
                .method(method, BodyPublishers.ofString(body));
        try {
            return JSON.readTree(
                    http.send(request.build(), BodyHandlers.ofString()).body());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    @Test
    void who_is_led_to_the_log_in_comes_to_where_they_were_going() {
        var browser = new TestBrowser(service.url());
        assertThat(location(browser.get("/history?user=alice"))).isEqualTo("/login");
        assertThat(browser.logIn(WholeService.ADMIN_TOKEN)).isEqualTo("/history?user=alice");
    }

    @Test
    void whoever_comes_again_without_a_session_is_led_to_the_log_in_again() {
        var browser = new TestBrowser(service.url());
        assertThat(location(browser.get("/"))).isEqualTo("/login");
        assertThat(location(browser.get("/"))).isEqualTo("/login");
    }

    @Test
    void the_log_in_leads_to_no_other_host_whoever_has_set_the_cookie() {
        for (var elsewhere : List.of(
                "https://evil.example/x", "//evil.example/x", "https://evil.example//evil.example/x", "http:evil")) {
            var browser = new TestBrowser(service.url());
            browser.open("/login");
            browser.cookies.put(
                    "REDIRECT_URI", Base64.getEncoder().encodeToString(elsewhere.getBytes(StandardCharsets.UTF_8)));
            assertThat(location(browser.post("/login", Map.of("token", WholeService.ADMIN_TOKEN))))
                    .as(elsewhere)
                    .startsWith("/")
                    .doesNotStartWith("//")
                    .doesNotContain("evil.example");
        }
    }

    @Test
    void a_wrong_token_opens_no_session_and_is_not_repeated() {
        var browser = new TestBrowser(service.url());
        assertThat(browser.logIn("lkt_wrong-token-of-somebody")).isEqualTo("/login?wrong");
        assertThat(browser.cookies).doesNotContainKey("lockkeeper-session");
        assertThat(text(browser.get("/login?wrong")))
                .contains("This token is not valid here.")
                .doesNotContain("lkt_wrong");
    }

    @Test
    void looking_at_the_log_in_stores_nothing() {
        new TestBrowser(service.url()).get("/login");
        assertThat(new TestBrowser(service.url()).get("/login").headers().allValues("Set-Cookie"))
                .noneMatch(cookie -> cookie.startsWith("lockkeeper-session"));
    }

    @Test
    void a_form_without_its_csrf_token_is_refused_and_does_nothing() {
        var browser = new TestBrowser(service.url());
        browser.logIn(WholeService.ADMIN_TOKEN);
        newRun();
        var answer =
                browser.send(HttpMethod.POST, "/environments/access-a/freeze", Map.of("reason", "from another site"));
        assertThat(answer.statusCode()).isEqualTo(403);
        assertThat(text(answer)).contains("The form was sent from another site");
        assertThat(text(browser.get("/environments/access-a"))).doesNotContain("from another site");
    }

    @Test
    void a_form_that_another_origin_sends_is_refused_although_its_csrf_token_is_right() {
        var browser = new TestBrowser(service.url());
        browser.logIn(WholeService.ADMIN_TOKEN);
        browser.open("/freeze");
        var form = Map.of("reason", "from another origin", "_csrf", browser.csrf);
        for (var site : List.of("cross-site", "same-site")) {
            var answer = browser.send(HttpMethod.POST, "/freeze", form, "Sec-Fetch-Site", site);
            assertThat(answer.statusCode()).as(site).isEqualTo(403);
        }
        assertThat(text(browser.get("/"))).doesNotContain("from another origin");
    }

    @Test
    void a_log_in_that_another_site_sends_is_refused() {
        var browser = new TestBrowser(service.url());
        var answer = browser.send(HttpMethod.POST, "/login", Map.of("token", WholeService.ADMIN_TOKEN));
        assertThat(answer.statusCode()).isEqualTo(403);
        assertThat(browser.cookies).doesNotContainKey("lockkeeper-session");
    }

    @Test
    void the_session_cookie_is_out_of_reach_of_scripts_and_of_other_sites_forms() {
        var browser = new TestBrowser(service.url());
        browser.open("/login");
        var answer = browser.post("/login", Map.of("token", WholeService.ADMIN_TOKEN));
        assertThat(answer.headers().allValues("Set-Cookie"))
                .anySatisfy(cookie -> assertThat(cookie)
                        .startsWith("lockkeeper-session=")
                        .contains("HttpOnly", "SameSite=Lax", "Path=/")
                        .doesNotContain("Secure"));
    }

    @Test
    void a_session_of_a_browser_that_came_over_tls_stays_there() {
        var secure = new WholeService("--server.forward-headers-strategy=native");
        try {
            var request = HttpRequest.newBuilder(secure.url().resolve("/login"))
                    .header("Accept", "text/html")
                    .header("X-Forwarded-Proto", "https");
            var answer = http.send(request.build(), BodyHandlers.discarding());
            assertThat(answer.headers().allValues("Set-Cookie"))
                    .isNotEmpty()
                    .allMatch(cookie -> cookie.contains("Secure"));
            assertThat(answer.headers().firstValue("Strict-Transport-Security")).isPresent();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        } finally {
            secure.close();
        }
    }

    @Test
    void logging_in_gives_the_session_another_id_and_forms_other_csrf_tokens() {
        var browser = new TestBrowser(service.url());
        browser.logIn(WholeService.ADMIN_TOKEN);
        var before = browser.cookies.get("lockkeeper-session");
        browser.open("/");
        var csrfBefore = browser.cookies.get("lockkeeper-csrf");
        browser.logIn(WholeService.ADMIN_TOKEN);
        assertThat(browser.cookies.get("lockkeeper-session")).isNotEqualTo(before);
        assertThat(csrfBefore).isNotEqualTo(browser.cookies.get("lockkeeper-csrf"));
        var victim = new TestBrowser(service.url());
        victim.cookies.put("lockkeeper-session", Objects.requireNonNull(before));
        assertThat(location(victim.get("/"))).isEqualTo("/login");
    }

    @Test
    void logging_out_ends_the_session_for_whoever_has_copied_the_cookie() {
        var browser = new TestBrowser(service.url());
        browser.logIn(WholeService.ADMIN_TOKEN);
        var thief = new TestBrowser(service.url());
        thief.cookies.putAll(browser.cookies);
        assertThat(thief.get("/").statusCode()).isEqualTo(200);
        browser.open("/");
        assertThat(location(browser.post("/logout", Map.of()))).isEqualTo("/login?out");
        assertThat(location(browser.get("/"))).isEqualTo("/login");
        assertThat(location(thief.get("/"))).isEqualTo("/login");
    }

    @Test
    void what_is_stored_of_a_session_opens_none() {
        var browser = new TestBrowser(service.url());
        browser.logIn(WholeService.ADMIN_TOKEN);
        var cookie = Objects.requireNonNull(browser.cookies.get("lockkeeper-session"));
        var stored = cookie.substring(0, cookie.indexOf('.'));
        for (var forged : List.of(stored, stored + ".", stored + "." + "A".repeat(43))) {
            browser.cookies.put("lockkeeper-session", forged);
            assertThat(location(browser.get("/"))).as(forged).isEqualTo("/login");
        }
        browser.cookies.put("lockkeeper-session", cookie);
        assertThat(browser.get("/").statusCode()).isEqualTo(200);
    }

    @Test
    void a_session_is_no_bearer_token_of_the_api_and_a_bearer_token_no_session() throws Exception {
        var browser = new TestBrowser(service.url());
        browser.logIn(WholeService.ADMIN_TOKEN);
        assertThat(browser.get("/api/admin/environments").statusCode()).isEqualTo(401);
        var answer = http.send(
                HttpRequest.newBuilder(service.url().resolve("/"))
                        .header("Authorization", "Bearer " + WholeService.ADMIN_TOKEN)
                        .build(),
                BodyHandlers.ofString());
        assertThat(answer.statusCode()).isEqualTo(401);
    }

    @Test
    void whatever_is_sent_in_a_form_or_asked_for_is_answered_and_changes_nothing() {
        var browser = new TestBrowser(service.url());
        browser.logIn(WholeService.ADMIN_TOKEN);
        newRun();
        browser.open("/freeze");
        var hostile = List.of(
                "",
                "%",
                "%zz",
                "%00",
                "%0d%0aSet-Cookie:x=y",
                "%ff%fe",
                "a".repeat(2000),
                "%F0%9F%94%92".repeat(400),
                "-1",
                "1e9",
                "NaN",
                "9223372036854775808",
                "null",
                "[]",
                "{}",
                "%3Cscript%3Ealert(1)%3C/script%3E",
                "$%7B7*7%7D",
                "__$%7BT(java.lang.Runtime)%7D__::.x",
                "' OR 1=1 --");
        var forms = List.of(
                "/freeze",
                "/environments/access-a/freeze",
                "/environments/access-a/acknowledge",
                "/environments/access-a/force-release",
                "/runs/1/approve",
                "/runs/1/reject",
                "/runs/1/prioritize",
                "/runs/1/cancel",
                "/runs/0/cancel",
                "/runs/x/cancel",
                "/environments/%3Cb%3E/freeze",
                "/login",
                "/logout");
        for (var path : forms) {
            for (var value : hostile) {
                for (var body : List.of(
                        "hours=" + value + "&fencingToken=" + value + "&confirm=" + value + "&evenIfAlive=" + value,
                        "reason=" + value + "&hours=" + value + "x&fencingToken=" + value + "&passFreeze=" + value
                                + "maybe",
                        "_csrf=" + value + "&reason=a+good+one&token=" + value,
                        "reason=one&reason=%0a" + value + "&=&&;" + value)) {
                    var answer = browser.sendRaw(path, body + (body.contains("_csrf") ? "" : "&_csrf=" + browser.csrf));
                    assertThat(answer.statusCode()).as("%s with %s", path, body).isLessThan(500);
                    var text = text(answer);
                    assertThat(text).doesNotContain("<script>alert", "Exception", "\tat ");
                    if (path.equals("/logout") || path.equals("/login")) {
                        browser.logIn(WholeService.ADMIN_TOKEN);
                        browser.open("/freeze");
                    }
                }
            }
        }
        for (var value : hostile) {
            for (var query : List.of(
                    "/history?user=",
                    "/history?status=",
                    "/history?environment=",
                    "/history?before=",
                    "/live?environment=",
                    "/login?wrong=",
                    "/?x=")) {
                if (value.equals("%") || value.equals("%zz")) {
                    continue; // No client of ours sends such an address; MalformedRequestsIT does.
                }
                try (var body = browser.get(query
                                + value.replace(" ", "+")
                                        .replace("{", "%7B")
                                        .replace("}", "%7D")
                                        .replace("[", "%5B")
                                        .replace("]", "%5D"))
                        .body()) {
                    assertThat(body).isNotNull();
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
        }
        assertThat(text(browser.get("/environments/access-a")))
                .doesNotContain("Nothing is granted", "All environments are frozen");
        // The forms would have worked, had they been right.
        assertThat(location(browser.post("/environments/access-a/freeze", Map.of("reason", "a good one"))))
                .isEqualTo("/environments/access-a");
        assertThat(text(browser.get("/environments/access-a"))).contains("a good one");
        browser.post("/environments/access-a/unfreeze", Map.of());
    }

    @Test
    void whoever_guesses_tokens_at_the_log_in_is_slowed_down() {
        // One wrong token a second, and twice as many at once.
        try (var limited = new WholeService("--lockkeeper.limits.requests-per-second=10")) {
            var browser = new TestBrowser(limited.url()).open("/login");
            var answers = new ArrayList<Integer>();
            while (!answers.contains(429) && answers.size() < 100) {
                answers.add(browser.post("/login", Map.of("token", "lkt_guess-number-" + answers.size()))
                        .statusCode());
            }
            assertThat(answers).startsWith(302).endsWith(429);
        }
    }

    @Test
    void every_page_forbids_what_is_not_its_own() {
        var browser = new TestBrowser(service.url());
        browser.logIn(WholeService.ADMIN_TOKEN);
        for (var path : List.of("/", "/login", "/history", "/freeze", "/runs/999999", "/assets/page.js", "/nothing")) {
            var headers = browser.get(path).headers();
            assertThat(headers.firstValue("Content-Security-Policy").orElse(""))
                    .as(path)
                    .contains("default-src 'none'", "frame-ancestors 'none'", "form-action 'self'")
                    .doesNotContain("unsafe");
            assertThat(headers.firstValue("X-Content-Type-Options")).as(path).contains("nosniff");
            assertThat(headers.firstValue("Referrer-Policy")).as(path).contains("same-origin");
        }
    }
}
