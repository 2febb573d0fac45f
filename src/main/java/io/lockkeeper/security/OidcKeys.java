package io.lockkeeper.security;

import com.nimbusds.jose.KeySourceException;
import com.nimbusds.jose.RemoteKeySourceException;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSelector;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.source.JWKSetCacheRefreshEvaluator;
import com.nimbusds.jose.jwk.source.JWKSetSource;
import com.nimbusds.jose.jwk.source.JWKSource;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jose.util.DefaultResourceRetriever;
import com.nimbusds.jose.util.ResourceRetriever;
import java.io.IOException;
import java.net.URI;
import java.text.ParseException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The public keys of one issuer. Nothing is fetched before the first token comes, so that an issuer who cannot be reached stops no start.
 *
 * <p>Keys are fetched anew after five minutes, and at once for a token that names a key not among them: that is how a new key of the
 * issuer becomes known. Anybody can send such tokens, so this happens twice in five seconds at most. While the issuer cannot be reached,
 * the keys that it last had are good for an hour, so that deployments outlive its outages. A key that is not among those is
 * <em>unknown</em> then, and not wrong.
 */
final class OidcKeys implements JWKSource<SecurityContext> {

    private static final Logger log = LoggerFactory.getLogger(OidcKeys.class);

    /** How long a client does well to wait when the keys could not be fetched. */
    static final Duration PAUSE = Duration.ofSeconds(5);

    private static final Duration CACHED = Duration.ofMinutes(5);
    private static final Duration KEPT = Duration.ofHours(1);
    private static final Duration CONNECTING = Duration.ofSeconds(2);
    private static final Duration READING = Duration.ofSeconds(3);
    /** For the one fetch that others wait for, its two documents included. */
    private static final Duration FETCHING = Duration.ofSeconds(11);

    private static final int LARGEST_DOCUMENT = 256 * 1024;

    private final String issuer;
    private final @Nullable URI jwkSetUri;
    private final ResourceRetriever documents;
    private final JWKSource<SecurityContext> fetched;
    private volatile @Nullable Kept last;

    private record Kept(JWKSet keys, long nanoTime) {}

    /**
     * @param jwkSetUri null: found through the issuer's discovery document (OpenID Connect Discovery 1.0, section 4)
     */
    OidcKeys(String issuer, @Nullable URI jwkSetUri) {
        this.issuer = issuer;
        this.jwkSetUri = jwkSetUri;
        documents = retriever();
        fetched = JWKSourceBuilder.create(new Fetching())
                .cache(CACHED.toMillis(), FETCHING.toMillis())
                .refreshAheadCache(false)
                .rateLimited(PAUSE.toMillis())
                .build();
    }

    /** Fetches an issuer's public documents, which are small, and soon or not at all. */
    static ResourceRetriever retriever() {
        return new DefaultResourceRetriever((int) CONNECTING.toMillis(), (int) READING.toMillis(), LARGEST_DOCUMENT);
    }

    /** Whether nobody on the way can have changed what comes from there: keys that a stranger put there let the stranger in. */
    static boolean isAuthentic(URI uri) {
        var host = uri.getHost();
        return host != null
                && ("https".equalsIgnoreCase(uri.getScheme())
                        || ("http".equalsIgnoreCase(uri.getScheme())
                                && (host.equals("localhost") || host.startsWith("127.") || host.equals("[::1]"))));
    }

    /**
     * The keys that may have signed a token.
     *
     * @throws KeySourceException if that cannot be said, since the issuer does not answer
     */
    @Override
    public List<JWK> get(JWKSelector selector, @Nullable SecurityContext context) throws KeySourceException {
        try {
            return fetched.get(selector, context);
        } catch (KeySourceException e) {
            // Nimbus has a way to tolerate an outage, too, which takes a key that it does not know for a wrong one.
            var kept = last;
            var keys = kept == null || System.nanoTime() - kept.nanoTime() > KEPT.toNanos()
                    ? List.<JWK>of()
                    : selector.select(kept.keys());
            if (keys.isEmpty()) {
                throw e;
            }
            return keys;
        }
    }

    private final class Fetching implements JWKSetSource<SecurityContext> {

        @Override
        public JWKSet getJWKSet(
                JWKSetCacheRefreshEvaluator evaluator, long currentTime, @Nullable SecurityContext context)
                throws KeySourceException {
            try {
                var from = jwkSetUri == null
                        ? OidcDiscovery.fetch(issuer, documents).endpoint("jwks_uri")
                        : jwkSetUri;
                var keys = JWKSet.parse(read(from));
                last = new Kept(keys, System.nanoTime());
                return keys;
            } catch (IOException | ParseException | RuntimeException e) {
                log.warn("The keys of the issuer {} cannot be fetched: {}", issuer, e.toString());
                throw new RemoteKeySourceException("The keys of " + issuer + " cannot be fetched", e);
            }
        }

        @Override
        public void close() {}
    }

    private String read(URI document) throws IOException {
        return documents.retrieveResource(document.toURL()).getContent();
    }
}
