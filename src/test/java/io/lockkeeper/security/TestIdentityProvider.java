package io.lockkeeper.security;

import com.nimbusds.jose.util.JSONObjectUtils;
import com.nimbusds.jwt.JWTClaimsSet;
import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * An OpenID provider at which somebody is logged in already: it sends people straight back with a code, and is strict about what it is
 * asked. A test chooses who the person is, and may spoil what the provider says.
 */
final class TestIdentityProvider implements AutoCloseable {

    static final String CLIENT_ID = "lockkeeper page";
    static final String CLIENT_SECRET = "lkc+secret/of:the page";

    final TestIssuer issuer = new TestIssuer();

    /** Who is logged in there: claims of the ID token, and of the answer about the user. */
    volatile Map<String, Object> person = Map.of();

    volatile Map<String, Object> userInfo = Map.of();

    volatile UnaryOperator<JWTClaimsSet.Builder> claims = UnaryOperator.identity();
    volatile Function<JWTClaimsSet, String> signing = issuer::sign;

    /** Everything that it has given out and that nobody else is to have. */
    final Set<String> secrets = ConcurrentHashMap.newKeySet();

    private final Map<String, Map<String, String>> codes = new ConcurrentHashMap<>();

    TestIdentityProvider() {
        secrets.add(CLIENT_SECRET);
        issuer.serve("authorization_endpoint", "/authorize", this::authorize);
        issuer.serve("token_endpoint", "/token", this::token);
        issuer.serve("userinfo_endpoint", "/userinfo", this::userInfo);
    }

    /** How the service is told of it. */
    String[] settings(String... rules) {
        var settings = new HashMap<String, String>(Map.of(
                "issuer",
                issuer.uri(),
                "client-id",
                CLIENT_ID,
                "client-secret",
                CLIENT_SECRET,
                "name",
                "Shop's accounts",
                "user-name-claim",
                "preferred_username"));
        return Stream.concat(
                        settings.entrySet().stream().map(entry -> entry.getKey() + "=" + entry.getValue()),
                        Arrays.stream(rules))
                .map(setting -> "--lockkeeper.login.oidc." + setting)
                .toArray(String[]::new);
    }

    private void authorize(HttpExchange exchange) throws IOException {
        var asked = form(exchange.getRequestURI().getRawQuery());
        var isRight = "code".equals(asked.get("response_type"))
                && CLIENT_ID.equals(asked.get("client_id"))
                && List.of(asked.getOrDefault("scope", "").split(" ")).contains("openid")
                && "S256".equals(asked.get("code_challenge_method"))
                && asked.containsKey("code_challenge")
                && asked.containsKey("state")
                && asked.containsKey("nonce");
        if (!isRight) {
            answer(exchange, 400, Map.of("error", "invalid_request"));
            return;
        }
        var code = "code-" + UUID.randomUUID();
        secrets.add(code);
        codes.put(code, asked);
        try (exchange) {
            exchange.getResponseHeaders()
                    .set(
                            "Location",
                            asked.get("redirect_uri") + "?code=" + code + "&state="
                                    + URLEncoder.encode(
                                            Objects.requireNonNull(asked.get("state")), StandardCharsets.UTF_8));
            exchange.sendResponseHeaders(302, -1);
        }
    }

    private void token(HttpExchange exchange) throws IOException {
        var asked = form(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
        // RFC 6749 section 2.3.1: each part encoded as in a form.
        var client = encode(CLIENT_ID) + ":" + encode(CLIENT_SECRET);
        var basic = "Basic " + Base64.getEncoder().encodeToString(client.getBytes(StandardCharsets.UTF_8));
        var request = codes.remove(asked.getOrDefault("code", ""));
        if (!basic.equals(exchange.getRequestHeaders().getFirst("Authorization"))) {
            answer(exchange, 401, Map.of("error", "invalid_client"));
        } else if (request == null
                || !"authorization_code".equals(asked.get("grant_type"))
                || !Objects.equals(request.get("redirect_uri"), asked.get("redirect_uri"))
                || !Objects.equals(request.get("code_challenge"), s256(asked.getOrDefault("code_verifier", "")))) {
            answer(exchange, 400, Map.of("error", "invalid_grant"));
        } else {
            var said = issuer.claims().audience(CLIENT_ID).subject("4711").claim("nonce", request.get("nonce"));
            person.forEach(said::claim);
            var idToken = signing.apply(claims.apply(said).build());
            var accessToken = "access-" + UUID.randomUUID();
            secrets.add(idToken);
            secrets.add(accessToken);
            answer(
                    exchange,
                    200,
                    Map.of(
                            "access_token",
                            accessToken,
                            "token_type",
                            "Bearer",
                            "expires_in",
                            300,
                            "id_token",
                            idToken));
        }
    }

    private void userInfo(HttpExchange exchange) throws IOException {
        var bearer = exchange.getRequestHeaders().getFirst("Authorization");
        if (bearer == null || !secrets.contains(bearer.substring("Bearer ".length()))) {
            answer(exchange, 401, Map.of("error", "invalid_token"));
            return;
        }
        var about = new HashMap<String, Object>(userInfo);
        about.putIfAbsent("sub", "4711");
        answer(exchange, 200, about);
    }

    private static void answer(HttpExchange exchange, int status, Map<String, Object> body) throws IOException {
        try (exchange) {
            var bytes = JSONObjectUtils.toJSONString(body).getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", "application/json");
            exchange.sendResponseHeaders(status, bytes.length);
            exchange.getResponseBody().write(bytes);
        }
    }

    static Map<String, String> form(String text) {
        var fields = new HashMap<String, String>();
        for (var pair : text.split("&", -1)) {
            var parts = pair.split("=", 2);
            fields.put(parts[0], parts.length < 2 ? "" : URLDecoder.decode(parts[1], StandardCharsets.UTF_8));
        }
        return fields;
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    private static String s256(String verifier) {
        try {
            var digest = MessageDigest.getInstance("SHA-256").digest(verifier.getBytes(StandardCharsets.US_ASCII));
            return Base64.getUrlEncoder().withoutPadding().encodeToString(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        issuer.close();
    }
}
