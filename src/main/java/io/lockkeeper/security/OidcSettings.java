package io.lockkeeper.security;

import io.lockkeeper.coordination.TrustedField;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName;
import org.springframework.core.env.Environment;

/** {@code lockkeeper.oidc}: whose ID tokens are good, and for what. */
record OidcSettings(@DefaultValue List<Issuer> issuers) {

    private static final ConfigurationPropertyName ROOT = ConfigurationPropertyName.of("lockkeeper.oidc");

    /** Every key below, without dashes and brackets. */
    private static final Pattern KNOWN =
            Pattern.compile("issuers(\\.\\d+\\.(issuer|audience|jwkseturi|clockskewseconds|provider"
                    + "|claims(\\.(sha|ref|repository|user|runurl))?"
                    + "|rules(\\.\\d+\\.(claims(\\..+)?|role|environments(\\.\\d+)?))?))?");

    /** The same as environment variables, whose parts may be written with an underscore for a dash or without it. */
    private static final Pattern KNOWN_VARIABLE =
            Pattern.compile("LOCKKEEPER_OIDC_ISSUERS(_\\d+_(ISSUER|AUDIENCE|JWK_?SET_?URI|CLOCK_?SKEW_?SECONDS|PROVIDER"
                    + "|CLAIMS_(SHA|REF|REPOSITORY|USER|RUN_?URL)"
                    + "|RULES_\\d+_(CLAIMS_.+|ROLE|ENVIRONMENTS(_\\d+)?)))?");

    private static final StrictSettings SETTINGS = new StrictSettings(
            ROOT, KNOWN, KNOWN_VARIABLE, "Correct it and start again; docs/oidc.md lists every key.");

    private static final int MOST_ISSUERS = 20;
    static final int LONGEST_SKEW_SECONDS = 300;

    private static final String GITHUB = "token.actions.githubusercontent.com";
    private static final String GITLAB = "gitlab.com";

    /** Where anybody can have a repository, a rule must name one of these, or else it lets anybody in. */
    private static final Map<String, Set<String>> OWNER_CLAIMS = Map.of(
            GITHUB,
            Set.of(
                    "sub",
                    "repository",
                    "repositoryid",
                    "repositoryowner",
                    "repositoryownerid",
                    "enterprise",
                    "enterpriseid"),
            GITLAB,
            Set.of("sub", "projectpath", "projectid", "namespacepath", "namespaceid"));

    /** Which claims the tokens have that matter to us. */
    enum Provider {
        GITHUB,
        GITLAB,
        OTHER
    }

    /** Settings of one issuer, as written. */
    record Issuer(
            @Nullable String issuer,
            @Nullable String audience,
            @Nullable String jwkSetUri,
            @DefaultValue("60") int clockSkewSeconds,
            @Nullable Provider provider,
            @DefaultValue Claims claims,
            @DefaultValue List<OidcRuleSettings> rules) {}

    /** Which claim fills which field of a run; an empty text: none does. */
    record Claims(
            @Nullable String sha,
            @Nullable String ref,
            @Nullable String repository,
            @Nullable String user,
            @Nullable String runUrl) {

        @Nullable
        String of(TrustedField field) {
            return switch (field) {
                case SHA -> sha;
                case REF -> ref;
                case REPOSITORY -> repository;
                case USER -> user;
                case RUN_URL -> runUrl;
            };
        }
    }

    /** The issuers that the configuration names, checked. */
    static List<OidcIssuer> read(Environment environment) {
        var settings = SETTINGS.bind(environment, OidcSettings.class, new OidcSettings(List.of()));
        if (settings.issuers.size() > MOST_ISSUERS) {
            throw SETTINGS.refused(ROOT + ".issuers", "names more than " + MOST_ISSUERS + " issuers");
        }
        var issuers = new ArrayList<OidcIssuer>();
        var places = new HashSet<String>();
        for (var i = 0; i < settings.issuers.size(); i++) {
            var key = ROOT + ".issuers[" + i + "]";
            var issuer = issuer(key, settings.issuers.get(i));
            if (!places.add(OidcIssuer.place(issuer.uri()))) {
                throw SETTINGS.refused(key + ".issuer", "names an issuer a second time; give the first one more rules");
            }
            issuers.add(issuer);
        }
        return issuers;
    }

    private static OidcIssuer issuer(String key, Issuer written) {
        var issuerKey = key + ".issuer";
        var text = SETTINGS.required(issuerKey, written.issuer);
        var jwkSetUri = written.jwkSetUri == null || written.jwkSetUri.isBlank()
                ? null
                : SETTINGS.authenticUri(key + ".jwk-set-uri", written.jwkSetUri);
        var uri = jwkSetUri == null ? SETTINGS.authenticUri(issuerKey, text) : SETTINGS.uri(issuerKey, text);
        var clockSkew = SETTINGS.clockSkewSeconds(key + ".clock-skew-seconds", written.clockSkewSeconds);
        var rules = OidcRuleSettings.read(SETTINGS, key + ".rules", written.rules);
        for (var i = 0; i < rules.size(); i++) {
            requireOwner(key + ".rules[" + i + "].claims", rules.get(i), uri);
        }
        return new OidcIssuer(
                uri.toString(),
                SETTINGS.required(key + ".audience", written.audience),
                Duration.ofSeconds(clockSkew),
                new OidcKeys(uri.toString(), jwkSetUri),
                rules,
                templates(key, written, uri));
    }

    private static void requireOwner(String key, OidcRule rule, URI issuer) {
        var owners = OWNER_CLAIMS.get(issuer.getHost());
        if (owners != null
                && rule.claims().entrySet().stream()
                        .noneMatch(claim ->
                                owners.contains(OidcRule.reading(claim.getKey())) && namesAnOwner(claim.getValue()))) {
            throw SETTINGS.refused(
                    key,
                    "must say whose repositories are meant, such as "
                            + (issuer.getHost().equals(GITHUB) ? "repository" : "project_path")
                            + ": shop/web or shop/*, since anybody can have tokens of " + issuer.getHost());
        }
    }

    /** {@code shop/*} does, {@code shop*} does not: somebody may call themselves shop-lifter. */
    private static boolean namesAnOwner(String pattern) {
        var star = pattern.indexOf('*');
        return star < 0 || pattern.substring(0, star).contains("/");
    }

    /** What the provider's tokens are known to have, unless the configuration says otherwise. */
    private static Map<TrustedField, ClaimTemplate> templates(String key, Issuer written, URI issuer) {
        var known = known(Objects.requireNonNullElseGet(written.provider, () -> provider(issuer)), issuer);
        var templates = new EnumMap<TrustedField, ClaimTemplate>(TrustedField.class);
        for (var field : TrustedField.values()) {
            var text = Objects.requireNonNullElse(written.claims.of(field), known.getOrDefault(field, ""));
            if (text.isBlank()) {
                continue;
            }
            if (!ClaimTemplate.isValid(text)) {
                throw SETTINGS.refused(
                        key + ".claims." + field.label().replace('_', '-'),
                        "must be the name of a claim, or a text with such names in braces, as in"
                                + " https://ci.example/{project}/{job_id}");
            }
            templates.put(field, new ClaimTemplate(text));
        }
        return templates;
    }

    private static Provider provider(URI issuer) {
        if (issuer.getHost().equals(GITLAB)) {
            return Provider.GITLAB;
        }
        var isGithub = issuer.getHost().equals(GITHUB)
                || (issuer.getHost().startsWith("token.actions.")
                        && issuer.getHost().endsWith(".ghe.com"))
                || issuer.getPath().equals("/_services/token");
        return isGithub ? Provider.GITHUB : Provider.OTHER;
    }

    private static Map<TrustedField, String> known(Provider provider, URI issuer) {
        return switch (provider) {
            case GITHUB ->
                Map.of(
                        TrustedField.SHA, "sha",
                        TrustedField.REF, "ref",
                        TrustedField.REPOSITORY, "repository",
                        TrustedField.USER, "actor",
                        TrustedField.RUN_URL, githubServer(issuer) + "/{repository}/actions/runs/{run_id}");
            case GITLAB ->
                Map.of(
                        TrustedField.SHA, "sha",
                        TrustedField.REF, "ref",
                        TrustedField.REPOSITORY, "project_path",
                        TrustedField.USER, "user_login",
                        TrustedField.RUN_URL, "{iss}/{project_path}/-/jobs/{job_id}");
            case OTHER -> Map.of();
        };
    }

    /** A token does not say where GitHub's pages are: on github.com, a data-residency host, or the server that issued it. */
    private static String githubServer(URI issuer) {
        var host = issuer.getHost();
        if (host.equals(GITHUB)) {
            return "https://github.com";
        }
        return host.startsWith("token.actions.")
                ? "https://" + host.substring("token.actions.".length())
                : issuer.getScheme() + "://" + issuer.getAuthority();
    }
}
