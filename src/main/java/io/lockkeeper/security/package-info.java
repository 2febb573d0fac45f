/**
 * Who calls, and what they may do. A bearer token becomes a {@link io.lockkeeper.security.Caller}, which controllers take as a
 * parameter and ask {@link io.lockkeeper.security.Caller#may}. A run's lock token is a second, narrower proof: see {@link
 * io.lockkeeper.security.LockTokens}.
 *
 * <p>Authentication is Spring Security's {@code AuthenticationFilter} with a converter (header to token) and a chain of
 * providers (token to caller): first the admin token, which takes no database; then {@linkplain io.lockkeeper.security.OidcProvider ID
 * tokens} of CI systems, which take the keys of their issuers; then the {@linkplain io.lockkeeper.security.ApiTokens stored ones}; last
 * the one that refuses what nobody knew. A database that is away, or an issuer, is no refusal: the client learns that its token could not
 * be checked. ID tokens are decoded by Spring Security's {@code NimbusJwtDecoder} and its validators. The resource server's own filter was
 * not taken: it knows one kind of bearer token, and here are three.
 *
 * <p>This package knows nothing of {@code web}: how a refusal looks is {@code web}'s, which gives its entry point and
 * handlers to the filter chain through Spring Security's own interfaces.
 */
@NullMarked
package io.lockkeeper.security;

import org.jspecify.annotations.NullMarked;
