package io.lockkeeper.security;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSSigner;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jose.util.JSONObjectUtils;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.PlainJWT;
import com.nimbusds.jwt.SignedJWT;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/** An issuer of ID tokens, with a discovery document and keys on a port of its own. It can change its key, and it can be away. */
public final class TestIssuer implements AutoCloseable {

    public static final String AUDIENCE = "https://lockkeeper.example";

    private final HttpServer server;
    private final Map<String, String> endpoints = new ConcurrentHashMap<>();
    private volatile RSAKey key = newKey();
    private volatile boolean away;

    public TestIssuer() {
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        server.createContext(
                "/.well-known/openid-configuration",
                exchange -> answer(exchange, JSONObjectUtils.toJSONString(discovery())));
        server.createContext("/keys", exchange -> answer(exchange, new JWKSet(key.toPublicJWK()).toString()));
        server.start();
    }

    private Map<String, Object> discovery() {
        var document = new HashMap<String, Object>(endpoints);
        document.put("issuer", uri());
        document.put("jwks_uri", jwkSetUri());
        return document;
    }

    /** Has it answer somewhere else besides, and say so in its discovery document; for whom it is away, it is away there, too. */
    void serve(String name, String path, HttpHandler handler) {
        endpoints.put(name, uri() + path);
        server.createContext(path, exchange -> {
            if (away) {
                answer(exchange, "");
            } else {
                handler.handle(exchange);
            }
        });
    }

    private void answer(HttpExchange exchange, String body) throws IOException {
        try (exchange) {
            var bytes = (away ? "<h1>Bad gateway</h1>" : body).getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", away ? "text/html" : "application/json");
            exchange.sendResponseHeaders(away ? 502 : 200, bytes.length);
            exchange.getResponseBody().write(bytes);
        }
    }

    public String uri() {
        return "http://localhost:" + server.getAddress().getPort();
    }

    public String jwkSetUri() {
        return uri() + "/keys";
    }

    /** What its callers' names begin with. */
    public String place() {
        return "localhost:" + server.getAddress().getPort();
    }

    /** From now on it has another key, and no more the one before. */
    public void rotate() {
        key = newKey();
    }

    public void setAway(boolean away) {
        this.away = away;
    }

    /** Claims of a good token; a test adds what it is about. */
    public JWTClaimsSet.Builder claims() {
        var now = Instant.now();
        return new JWTClaimsSet.Builder()
                .issuer(uri())
                .audience(AUDIENCE)
                .subject("repo:shop/web:ref:refs/heads/main")
                .issueTime(Date.from(now))
                .notBeforeTime(Date.from(now))
                .expirationTime(Date.from(now.plus(Duration.ofMinutes(5))))
                .jwtID(UUID.randomUUID().toString());
    }

    /** A good token with these claims besides. */
    public String token(Map<String, ?> more) {
        var claims = claims();
        more.forEach(claims::claim);
        return sign(claims.build());
    }

    public String sign(JWTClaimsSet claims) {
        return sign(claims, JWSAlgorithm.RS256, JOSEObjectType.JWT, signer(key));
    }

    /** A token of another type, such as an access token (RFC 9068). */
    public String sign(JWTClaimsSet claims, String type) {
        return sign(claims, JWSAlgorithm.RS256, new JOSEObjectType(type), signer(key));
    }

    /** By somebody who says to have this issuer's key. */
    public String forge(JWTClaimsSet claims) {
        return sign(claims, JWSAlgorithm.RS256, JOSEObjectType.JWT, signer(newKey()));
    }

    /** By somebody who takes the public key, which everybody knows, for a secret. */
    public String signWithPublicKey(JWTClaimsSet claims) {
        try {
            var secret = key.toRSAPublicKey().getEncoded();
            return sign(claims, JWSAlgorithm.HS256, JOSEObjectType.JWT, new MACSigner(secret));
        } catch (JOSEException e) {
            throw new IllegalStateException(e);
        }
    }

    /** {@code alg: none}. */
    public static String unsigned(JWTClaimsSet claims) {
        return new PlainJWT(claims).serialize();
    }

    private String sign(JWTClaimsSet claims, JWSAlgorithm algorithm, JOSEObjectType type, JWSSigner signer) {
        try {
            var jwt = new SignedJWT(
                    new JWSHeader.Builder(algorithm)
                            .type(type)
                            .keyID(key.getKeyID())
                            .build(),
                    claims);
            jwt.sign(signer);
            return jwt.serialize();
        } catch (JOSEException e) {
            throw new IllegalStateException(e);
        }
    }

    private static JWSSigner signer(RSAKey key) {
        try {
            return new RSASSASigner(key);
        } catch (JOSEException e) {
            throw new IllegalStateException(e);
        }
    }

    private static RSAKey newKey() {
        try {
            return new RSAKeyGenerator(2048)
                    .keyID(UUID.randomUUID().toString())
                    .algorithm(JWSAlgorithm.RS256)
                    .generate();
        } catch (JOSEException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
