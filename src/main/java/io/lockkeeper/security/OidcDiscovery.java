package io.lockkeeper.security;

import com.nimbusds.jose.util.JSONObjectUtils;
import com.nimbusds.jose.util.ResourceRetriever;
import java.io.IOException;
import java.net.URI;
import java.text.ParseException;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What an issuer says about itself (OpenID Connect Discovery 1.0, section 4).
 *
 * @param document its members
 */
record OidcDiscovery(Map<String, Object> document) {

    /**
     * Asks the issuer.
     *
     * @throws IOException if it does not answer, or answers as somebody else
     */
    static OidcDiscovery fetch(String issuer, ResourceRetriever documents) throws IOException, ParseException {
        var base = issuer.endsWith("/") ? issuer.substring(0, issuer.length() - 1) : issuer;
        var uri = URI.create(base + "/.well-known/openid-configuration");
        var document =
                JSONObjectUtils.parse(documents.retrieveResource(uri.toURL()).getContent());
        if (!issuer.equals(JSONObjectUtils.getString(document, "issuer"))) {
            throw new IOException("its discovery document is that of another issuer");
        }
        return new OidcDiscovery(document);
    }

    /** An address that the issuer must have. */
    URI endpoint(String name) throws IOException, ParseException {
        return optionalEndpoint(name)
                .orElseThrow(() ->
                        new IOException("its discovery document names no " + name + " that begins with https://"));
    }

    /** An address that it may have; one that others could listen in to is none. */
    Optional<URI> optionalEndpoint(String name) throws ParseException {
        @Nullable URI uri = JSONObjectUtils.getURI(document, name);
        return Optional.ofNullable(uri).filter(OidcKeys::isAuthentic);
    }
}
