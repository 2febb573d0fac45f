package io.lockkeeper.security;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName;
import org.springframework.core.env.Environment;
import org.springframework.security.oauth2.core.oidc.OidcScopes;

/** {@code lockkeeper.login}: the identity provider through which people log in to the page, and what they may. */
record LoginSettings(@Nullable Oidc oidc) {

    private static final ConfigurationPropertyName ROOT = ConfigurationPropertyName.of("lockkeeper.login");
    private static final String KEY = ROOT + ".oidc";

    private static final StrictSettings SETTINGS = new StrictSettings(
            ROOT,
            Pattern.compile("oidc(\\.(issuer|clientid|clientsecret|name|scopes(\\.\\d+)?|usernameclaim|clockskewseconds"
                    + "|rules(\\.\\d+\\.(claims(\\..+)?|role|environments(\\.\\d+)?))?))?"),
            Pattern.compile(
                    "LOCKKEEPER_LOGIN_OIDC_(ISSUER|CLIENT_?ID|CLIENT_?SECRET|NAME|SCOPES(_\\d+)?|USER_?NAME_?CLAIM"
                            + "|CLOCK_?SKEW_?SECONDS|RULES_\\d+_(CLAIMS_.+|ROLE|ENVIRONMENTS(_\\d+)?))"),
            "Correct it and start again; docs/page.md lists every key.");

    private static final int LONGEST_NAME = 50;

    /** Where anybody can have an account, a rule must name one of these, or else it lets anybody in. */
    private static final Map<String, Set<String>> PEOPLE_CLAIMS = Map.of(
            "accounts.google.com",
            Set.of("sub", "email", "hd"),
            "gitlab.com",
            Set.of("sub", "email", "nickname", "preferredusername", "groups", "groupsdirect"));

    /** As written. */
    record Oidc(
            @Nullable String issuer,
            @Nullable String clientId,
            @Nullable String clientSecret,
            @Nullable String name,
            @DefaultValue({"openid", "profile", "email"}) List<String> scopes,
            @DefaultValue("sub") String userNameClaim,
            @DefaultValue("60") int clockSkewSeconds,
            @DefaultValue List<OidcRuleSettings> rules) {

        /** Without the secret. */
        @Override
        public String toString() {
            return "Oidc[" + issuer + "]";
        }
    }

    /** The people whom the configuration lets in, checked; nobody when it names no provider. */
    static Optional<People> read(Environment environment) {
        var written = SETTINGS.bind(environment, LoginSettings.class, new LoginSettings(null)).oidc;
        return written == null ? Optional.empty() : Optional.of(people(written));
    }

    private static People people(Oidc written) {
        var issuer = SETTINGS.authenticUri(KEY + ".issuer", SETTINGS.required(KEY + ".issuer", written.issuer));
        var name = Objects.requireNonNullElse(written.name, issuer.getHost());
        if (name.isBlank() || name.length() > LONGEST_NAME) {
            throw SETTINGS.refused(KEY + ".name", "must have 1 to " + LONGEST_NAME + " characters: it is on a button");
        }
        if (!written.scopes.contains(OidcScopes.OPENID)) {
            throw SETTINGS.refused(KEY + ".scopes", "must contain openid: without it, the provider says nobody's name");
        }
        var skew = SETTINGS.clockSkewSeconds(KEY + ".clock-skew-seconds", written.clockSkewSeconds);
        var rules = OidcRuleSettings.read(SETTINGS, KEY + ".rules", written.rules);
        for (var i = 0; i < rules.size(); i++) {
            requirePeople(KEY + ".rules[" + i + "].claims", rules.get(i), issuer.getHost());
        }
        var provider = new IdentityProvider(
                issuer.toString(),
                SETTINGS.required(KEY + ".client-id", written.clientId),
                SETTINGS.required(KEY + ".client-secret", written.clientSecret),
                List.copyOf(written.scopes),
                Duration.ofSeconds(skew));
        return new People(provider, name, SETTINGS.required(KEY + ".user-name-claim", written.userNameClaim), rules);
    }

    private static void requirePeople(String key, OidcRule rule, String host) {
        var claims = PEOPLE_CLAIMS.get(host);
        if (claims != null
                && rule.claims().entrySet().stream()
                        .noneMatch(claim ->
                                claims.contains(OidcRule.reading(claim.getKey())) && namesPeople(claim.getValue()))) {
            throw SETTINGS.refused(
                    key,
                    "must say who is meant, such as email: \"*@shop.example\", since anybody can have an account of "
                            + host);
        }
    }

    /** A whole value, a whole domain, or what is below a group. {@code *shop.example} is also workshop.example's. */
    private static boolean namesPeople(String pattern) {
        var star = pattern.indexOf('*');
        return star < 0
                || pattern.substring(0, star).contains("/")
                || (pattern.lastIndexOf('*') < pattern.indexOf('@') && pattern.indexOf('@') < pattern.length() - 1);
    }
}
