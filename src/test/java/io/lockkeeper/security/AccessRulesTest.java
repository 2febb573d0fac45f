package io.lockkeeper.security;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.security.AccessRule.Access;
import io.lockkeeper.security.AccessRule.Where;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.http.HttpMethod;
import org.springframework.http.server.PathContainer;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.web.servlet.HandlerMapping;
import org.springframework.web.servlet.function.support.RouterFunctionMapping;
import org.springframework.web.servlet.handler.AbstractUrlHandlerMapping;
import org.springframework.web.servlet.mvc.method.RequestMappingInfoHandlerMapping;
import org.springframework.web.util.pattern.PathPatternParser;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The table of who may do what is complete, true, and the one in the documentation. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AccessRulesTest {

    private static final JsonMapper JSON = new JsonMapper();

    /** Only the container comes here. A client who does is told that there is nothing, and without a token not even that. */
    private static final String CONTAINERS_OWN = "/error";

    /** No controller sees what is sent there; what {@code GET /login} shows one does. */
    private static final Set<String> ANSWERED_BY_FILTERS =
            Set.of("/login", "/logout", PersonLoginFilter.START_PATH, PersonLoginFilter.PATH);

    private final HttpClient http = HttpClient.newHttpClient();
    private final WholeService service =
            new WholeService("--lockkeeper.terraform.state-keys=key-of-the-access-rules-test-1234");
    private final Map<String, Bearer> bearers = new LinkedHashMap<>();

    private String maker = "";
    private long spareToken;

    /**
     * Somebody who calls.
     *
     * @param header what they send as {@code Authorization}; null for nothing
     * @param role null for those whose token is no good
     * @param pattern the environments of the token
     */
    private record Bearer(@Nullable String header, @Nullable Role role, String pattern) {}

    @BeforeAll
    void makeTokens() {
        var tokens = service.context().getBean(ApiTokens.class);
        var jdbc = JdbcClient.create(service.database().dataSource());
        maker = "Bearer " + create(tokens, "maker", Role.DEPLOY, "*").secret();
        spareToken = create(tokens, "spare", Role.VIEW, "*").token().id();

        var revoked = create(tokens, "revoked", Role.ADMIN, "*");
        tokens.revoke(revoked.token().id(), "test");
        var expired = create(tokens, "expired", Role.ADMIN, "*");
        jdbc.sql("UPDATE api_token SET created_at = created_at - interval '1 day', expires_at = statement_timestamp()"
                        + " WHERE id = ?")
                .param(expired.token().id())
                .update();

        bearers.put("no token", new Bearer(null, null, ""));
        bearers.put("another scheme", new Bearer("Basic YWRtaW46YWRtaW4=", null, ""));
        bearers.put("garbage", new Bearer("Bearer \"}{", null, ""));
        bearers.put("an unknown token", new Bearer("Bearer lkt_" + "A".repeat(43), null, ""));
        bearers.put("a revoked token", new Bearer("Bearer " + revoked.secret(), null, ""));
        bearers.put("an expired token", new Bearer("Bearer " + expired.secret(), null, ""));
        bearers.put("the admin token", new Bearer("Bearer " + WholeService.ADMIN_TOKEN, Role.ADMIN, "*"));
        for (var role : Role.values()) {
            for (var pattern : List.of("*", "access-*", "access-a", "other-*")) {
                var name = role.name().toLowerCase(Locale.ROOT) + " of " + pattern;
                bearers.put(
                        name,
                        new Bearer(
                                "Bearer " + create(tokens, name, role, pattern).secret(), role, pattern));
            }
        }
    }

    private static TokenCreation.Created create(ApiTokens tokens, String name, Role role, String pattern) {
        var wanted = new NewApiToken(name, role, List.of(new EnvironmentPattern(pattern)), null);
        return (TokenCreation.Created) tokens.create(wanted, "test");
    }

    @AfterAll
    void stop() {
        http.close();
        service.close();
    }

    @Test
    void every_endpoint_is_in_the_table() {
        assertThat(served()).isNotEmpty();
        assertThat(served().stream().filter(endpoint -> all().noneMatch(rule -> serves(endpoint, rule))))
                .as("endpoints that nobody has thought about who may call")
                .isEmpty();
    }

    @Test
    void everything_in_the_table_is_an_endpoint() {
        var served = served();
        assertThat(all().filter(rule -> !rule.path().startsWith("/actuator/health/"))
                        .filter(rule -> !ANSWERED_BY_FILTERS.contains(rule.path()))
                        .filter(rule -> served.stream().noneMatch(endpoint -> serves(endpoint, rule))))
                .as("rules about nothing")
                .isEmpty();
    }

    @Test
    void no_endpoint_is_in_the_table_twice() {
        assertThat(all().map(rule -> rule.method() + " " + rule.path())).doesNotHaveDuplicates();
    }

    @Test
    void documentation_has_the_tables() throws IOException {
        assertThat(Files.readString(Path.of("docs/security.md")))
                .contains("| call | token | in which environments |\n|---|---|---|\n" + table(AccessRules.API) + "\n")
                .contains("| page | token | in which environments |\n|---|---|---|\n" + table(AccessRules.PAGE) + "\n");
    }

    private static String table(List<AccessRule> rules) {
        return rules.stream()
                .map(rule -> "| `%s %s` | %s |\n".formatted(rule.method(), rule.path(), words(rule.access())))
                .collect(Collectors.joining());
    }

    /** {@link PageAccessTest} plays those of the page, with sessions. */
    private static Stream<AccessRule> all() {
        return Stream.concat(AccessRules.API.stream(), AccessRules.PAGE.stream());
    }

    private static String words(Access access) {
        return switch (access) {
            case Access.Anybody _ -> "none | ";
            case Access.Nobody _ -> "closed | ";
            case Access.Bearer(var role, var where) ->
                role.name().toLowerCase(Locale.ROOT) + " | "
                        + switch (where) {
                            case ANY -> "";
                            case PATH -> "that of the path";
                            case PATH_OR_ADMIN_WITHOUT_BODY -> "that of the path; without a body admin there";
                            case EVERYWHERE -> "all: `*`";
                            case BODY -> "all that the body names";
                            case PARAMETER -> "that of the parameter, or the default one";
                            case SHOWN -> "shows those of the token";
                            case RUN -> "all of the run";
                            case RUN_AS_APPROVER -> "all of the run; an admin, or named in `approvers`";
                            case LOCK_TOKEN -> "any, with the run's lock token";
                            case LOCK_TOKEN_OR_ADMIN_OF_RUN ->
                                "any, with the run's lock token; without it admin in all of the run";
                        };
        };
    }

    private static Stream<AccessRule> rules() {
        return AccessRules.API.stream();
    }

    @ParameterizedTest
    @MethodSource("rules")
    void each_endpoint_lets_in_whom_the_table_says_and_nobody_else(AccessRule rule) throws IOException {
        for (var play : plays(rule)) {
            var expected = new LinkedHashMap<String, String>();
            var seen = new LinkedHashMap<String, String>();
            for (var bearer : bearers.entrySet()) {
                expected.put(bearer.getKey(), expected(play, bearer.getValue()));
                seen.put(bearer.getKey(), seen(play, bearer.getValue()));
            }
            assertThat(seen).as(play.toString()).isEqualTo(expected);
        }
    }

    /**
     * One way to call an endpoint.
     *
     * @param environment the one that path or parameter name; empty for none
     */
    private record Play(AccessRule rule, HttpMethod method, String path, String environment, boolean withLockToken) {}

    private static List<Play> plays(AccessRule rule) {
        var plays = new ArrayList<Play>();
        var methods = rule.method().equals(HttpMethod.GET)
                ? List.of(HttpMethod.GET, HttpMethod.HEAD)
                : List.of(rule.method());
        for (var method : methods) {
            switch (rule.access() instanceof Access.Bearer(var _, var where) ? where : Where.ANY) {
                case PATH, PATH_OR_ADMIN_WITHOUT_BODY -> {
                    plays.add(new Play(rule, method, filled(rule, "access-a"), "access-a", true));
                    // Two ways to write the same name.
                    plays.add(new Play(rule, method, filled(rule, "%61ccess%2Da"), "access-a", true));
                }
                case PARAMETER -> {
                    plays.add(new Play(rule, method, rule.path() + "?environment=access-a", "access-a", true));
                    plays.add(new Play(rule, method, rule.path(), "production", true));
                }
                case SHOWN -> {
                    // The list of environments has no such parameter.
                    if (!rule.path().endsWith("/environments")) {
                        plays.add(new Play(rule, method, rule.path() + "?environment=access-a", "access-a", true));
                    }
                    plays.add(new Play(rule, method, rule.path(), "", true));
                }
                case LOCK_TOKEN_OR_ADMIN_OF_RUN -> {
                    plays.add(new Play(rule, method, rule.path(), "", true));
                    plays.add(new Play(rule, method, rule.path(), "", false));
                }
                case ANY, EVERYWHERE, BODY, RUN, RUN_AS_APPROVER, LOCK_TOKEN ->
                    plays.add(new Play(rule, method, filled(rule, ""), "", true));
            }
        }
        return plays;
    }

    private static String filled(AccessRule rule, String environment) {
        return rule.path()
                .replace("{environment}", environment)
                .replaceAll("/\\*\\*$", "/db")
                .replaceAll("/\\*$", "/page.js");
    }

    /** The run of each request is one in {@code access-a} and {@code access-b}. */
    private static String expected(Play play, Bearer bearer) {
        var access = play.rule().access();
        var role = bearer.role();
        if (role == null) {
            var isStranger = bearer.header() == null || bearer.header().startsWith("Basic");
            return access instanceof Access.Anybody && isStranger ? "in" : "401";
        }
        return switch (access) {
            case Access.Anybody _ -> "in";
            case Access.Nobody _ -> "403";
            case Access.Bearer needed -> role.includes(needed.role()) && reaches(play, needed, bearer) ? "in" : "403";
        };
    }

    private static boolean reaches(Play play, Access.Bearer needed, Bearer bearer) {
        var isEverywhere = bearer.pattern().equals("*");
        var isInBoth = isEverywhere || bearer.pattern().equals("access-*");
        var isInOne = isInBoth || bearer.pattern().equals("access-a");
        return switch (needed.where()) {
            case ANY, LOCK_TOKEN -> true;
            case PATH, PATH_OR_ADMIN_WITHOUT_BODY -> isInOne;
            case EVERYWHERE -> isEverywhere;
            case BODY, RUN -> isInBoth;
            case PARAMETER -> play.environment().equals("access-a") ? isInOne : isEverywhere;
            case SHOWN -> play.environment().isEmpty() || isInOne;
            case RUN_AS_APPROVER -> isInBoth && bearer.role() == Role.ADMIN;
            case LOCK_TOKEN_OR_ADMIN_OF_RUN -> play.withLockToken() || (isInBoth && bearer.role() == Role.ADMIN);
        };
    }

    private String seen(Play play, Bearer bearer) throws IOException {
        var path = play.path().replace("{name}", "chat").replace("{version}", "1");
        var request = HttpRequest.newBuilder();
        if (path.contains("/admin/tokens/{id}")) {
            path = path.replace("{id}", Long.toString(spareToken));
        } else if (path.contains("{id}") || path.endsWith("/release")) {
            var run = newRun();
            path = path.replace("{id}", run.at("/run/id").asString());
            if (play.withLockToken()) {
                request.header("Lock-Token", run.path("lock_token").asString());
            }
        }
        var body = play.method().equals(play.rule().method()) ? body(play.rule()) : null;
        if (body != null) {
            request.header("Content-Type", "application/json");
        }
        if (bearer.header() != null) {
            request.header("Authorization", bearer.header());
        }
        request.uri(service.url().resolve(path))
                .method(play.method().name(), body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
        var answer = send(request.build());
        try (var stream = answer.body()) {
            var status = answer.statusCode();
            assertThat(status).as("%s as %s", play, bearer).isLessThan(500);
            // Who is told of several environments is told of those of the token only.
            if (play.rule().access() instanceof Access.Bearer(var _, var where)
                    && where == Where.SHOWN
                    && status == 200
                    && bearer.pattern().startsWith("other")
                    && !path.endsWith("/events")) {
                assertThat(new String(stream.readAllBytes(), StandardCharsets.UTF_8))
                        .doesNotContain("access-");
            }
            return status == 401 || status == 403 ? Integer.toString(status) : "in";
        }
    }

    /** What the endpoint takes, so that it is not refused for another reason than the caller. */
    private static @Nullable String body(AccessRule rule) {
        var path = rule.path();
        if (rule.method().equals(HttpMethod.GET) || rule.method().equals(HttpMethod.DELETE)) {
            return null;
        }
        if (path.endsWith("/api/acquire")) {
            return "{\"environments\": [\"access-a\", \"access-b\"], \"batch\": false}";
        }
        if (path.endsWith("/force-release")) {
            return "{\"confirm\": \"access-a\", \"fencing_token\": 1, \"reason\": \"a test\"}";
        }
        if (path.endsWith("/tokens")) {
            return "{\"name\": \"made\", \"role\": \"view\"}";
        }
        return Stream.of("freeze", "acknowledge", "reject", "prioritize").anyMatch(path::endsWith)
                ? "{\"reason\": \"a test\"}"
                : "{}";
    }

    /** A run that waits for an approval, so that it can be approved, and so that nothing but its lock token lets it be cancelled. */
    private JsonNode newRun() throws IOException {
        var policy = HttpRequest.newBuilder(service.url().resolve("/api/admin/environments/access-b"))
                .header("Authorization", "Bearer " + WholeService.ADMIN_TOKEN)
                .header("Content-Type", "application/json")
                .PUT(BodyPublishers.ofString("{\"approvals_required\": 1}"));
        try (var answer = send(policy.build()).body()) {
            answer.readAllBytes();
        }
        var acquire = HttpRequest.newBuilder(service.url().resolve("/api/acquire"))
                .header("Authorization", maker)
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString("{\"environments\": [\"access-a\", \"access-b\"], \"batch\": false}"));
        try (var answer = send(acquire.build()).body()) {
            return JSON.readTree(answer.readAllBytes());
        }
    }

    private HttpResponse<InputStream> send(HttpRequest request) {
        try {
            return http.send(request, BodyHandlers.ofInputStream());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Something that answers: {@code method} is null where any does. */
    private record Endpoint(@Nullable String method, String path) implements Comparable<Endpoint> {

        @Override
        public int compareTo(Endpoint other) {
            return toString().compareTo(other.toString());
        }
    }

    /** A rule's path may be wider than that of a resource: {@code /api/docs/*} is also about {@code /api/docs/favicon*}. */
    private static boolean serves(Endpoint endpoint, AccessRule rule) {
        var isItsPath = rule.path().equals(endpoint.path())
                || (rule.path().endsWith("/*")
                        && endpoint.path().endsWith("*")
                        && new PathPatternParser()
                                .parse(rule.path())
                                .matches(PathContainer.parsePath(endpoint.path())));
        return isItsPath
                && (endpoint.method() == null
                        || endpoint.method().equals(rule.method().name()));
    }

    /** Asks everything to which the dispatcher may give a request; what cannot be asked fails the test. */
    private Set<Endpoint> served() {
        var endpoints = new TreeSet<Endpoint>();
        for (var mapping :
                service.context().getBeansOfType(HandlerMapping.class).values()) {
            switch (mapping) {
                case RequestMappingInfoHandlerMapping controllers ->
                    controllers
                            .getHandlerMethods()
                            .keySet()
                            .forEach(info -> info.getPatternValues().forEach(path -> {
                                var methods = info.getMethodsCondition().getMethods();
                                if (methods.isEmpty()) {
                                    endpoints.add(new Endpoint(null, path));
                                }
                                methods.forEach(method -> endpoints.add(new Endpoint(method.name(), path)));
                            }));
                case AbstractUrlHandlerMapping resources ->
                    resources.getHandlerMap().keySet().forEach(path -> endpoints.add(new Endpoint("GET", path)));
                case RouterFunctionMapping functions ->
                    assertThat(functions.getRouterFunction())
                            .as("functions that answer")
                            .isNull();
                default -> throw new AssertionError("What does it serve? " + mapping.getClass());
            }
        }
        endpoints.removeIf(endpoint -> endpoint.path().equals(CONTAINERS_OWN));
        return endpoints;
    }
}
