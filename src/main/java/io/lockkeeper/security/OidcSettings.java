package io.lockkeeper.security;

import io.lockkeeper.coordination.TrustedField;
import io.lockkeeper.database.StartupRefused;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.BindException;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.boot.context.properties.bind.UnboundConfigurationPropertiesException;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName;
import org.springframework.boot.context.properties.source.ConfigurationPropertySources;
import org.springframework.boot.context.properties.source.IterableConfigurationPropertySource;
import org.springframework.core.NestedExceptionUtils;
import org.springframework.core.env.Environment;
import org.springframework.core.env.SystemEnvironmentPropertySource;

/**
 * {@code lockkeeper.oidc}: whose ID tokens are good, and for what. A start with a key or value that makes no sense is refused with one
 * sentence that names it, since a rule that is read otherwise than it was meant lets the wrong people in.
 */
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

    private static final String WHAT_TO_DO = "Correct it and start again; docs/oidc.md lists every key.";

    private static final int MOST_ISSUERS = 20;
    private static final int MOST_RULES = 100;
    private static final int LONGEST_SKEW_SECONDS = 300;

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
            @DefaultValue List<Rule> rules) {}

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

    record Rule(
            @DefaultValue Map<String, String> claims,
            @Nullable Role role,
            @DefaultValue List<String> environments) {}

    /** The issuers that the configuration names, checked. */
    static List<OidcIssuer> read(Environment environment) {
        var settings = bind(environment);
        if (settings.issuers.size() > MOST_ISSUERS) {
            throw refused(ROOT + ".issuers", "names more than " + MOST_ISSUERS + " issuers");
        }
        var issuers = new ArrayList<OidcIssuer>();
        var places = new HashSet<String>();
        for (var i = 0; i < settings.issuers.size(); i++) {
            var key = ROOT + ".issuers[" + i + "]";
            var issuer = issuer(key, settings.issuers.get(i));
            if (!places.add(OidcIssuer.place(issuer.uri()))) {
                throw refused(key + ".issuer", "names an issuer a second time; give the first one more rules");
            }
            issuers.add(issuer);
        }
        return issuers;
    }

    private static OidcSettings bind(Environment environment) {
        refuseUnknownKeys(environment);
        try {
            return Binder.get(environment)
                    .bind(ROOT, Bindable.of(OidcSettings.class))
                    .orElse(new OidcSettings(List.of()));
        } catch (BindException e) {
            if (NestedExceptionUtils.getMostSpecificCause(e)
                    instanceof UnboundConfigurationPropertiesException unbound) {
                throw unknown(unbound.getUnboundProperties()
                        .iterator()
                        .next()
                        .getName()
                        .toString());
            }
            throw new StartupRefused("The setting " + e.getName() + " has a value that cannot be read.", WHAT_TO_DO, e);
        }
    }

    /** Spring Boot's own handler for this overlooks keys in a list within a list, and all variables. */
    private static void refuseUnknownKeys(Environment environment) {
        for (var source : ConfigurationPropertySources.get(environment)) {
            if (source.getUnderlyingSource() instanceof SystemEnvironmentPropertySource variables) {
                // One can be read as several keys, so its name is looked at as it is.
                Arrays.stream(variables.getPropertyNames())
                        .filter(name -> name.toUpperCase(Locale.ROOT).startsWith("LOCKKEEPER_OIDC_"))
                        .filter(name -> !KNOWN_VARIABLE
                                .matcher(name.toUpperCase(Locale.ROOT))
                                .matches())
                        .min(Comparator.naturalOrder())
                        .ifPresent(name -> {
                            throw unknown(name);
                        });
            } else if (source instanceof IterableConfigurationPropertySource written) {
                written.stream()
                        .filter(ROOT::isAncestorOf)
                        .filter(name -> !KNOWN.matcher(uniform(name)).matches())
                        .min(Comparator.naturalOrder())
                        .ifPresent(name -> {
                            throw unknown(name.toString());
                        });
            }
        }
    }

    /** However a key is written, {@code jwk-set-uri} or {@code jwkSetUri}, as Spring Boot compares it. */
    private static String uniform(ConfigurationPropertyName name) {
        return IntStream.range(ROOT.getNumberOfElements(), name.getNumberOfElements())
                .mapToObj(i -> name.getElement(i, ConfigurationPropertyName.Form.UNIFORM))
                .collect(Collectors.joining("."));
    }

    private static StartupRefused unknown(String name) {
        return new StartupRefused("The setting " + name + " is not known.", WHAT_TO_DO);
    }

    private static OidcIssuer issuer(String key, Issuer written) {
        var uri = uri(key + ".issuer", required(key + ".issuer", written.issuer));
        var jwkSetUri = written.jwkSetUri == null || written.jwkSetUri.isBlank()
                ? null
                : uri(key + ".jwk-set-uri", written.jwkSetUri);
        if (!OidcKeys.isAuthentic(jwkSetUri == null ? uri : jwkSetUri)) {
            throw refused(
                    key + (jwkSetUri == null ? ".issuer" : ".jwk-set-uri"),
                    "must begin with https://, unless it is on this machine: keys are fetched from there");
        }
        if (written.clockSkewSeconds < 0 || written.clockSkewSeconds > LONGEST_SKEW_SECONDS) {
            throw refused(
                    key + ".clock-skew-seconds",
                    "must be between 0 and " + LONGEST_SKEW_SECONDS + " seconds, and is " + written.clockSkewSeconds);
        }
        if (written.rules.isEmpty() || written.rules.size() > MOST_RULES) {
            throw refused(key + ".rules", "must have 1 to " + MOST_RULES + " rules: without any, no token is good");
        }
        var rules = new ArrayList<OidcRule>();
        for (var i = 0; i < written.rules.size(); i++) {
            rules.add(rule(key + ".rules[" + i + "]", written.rules.get(i), uri));
        }
        return new OidcIssuer(
                uri.toString(),
                required(key + ".audience", written.audience),
                Duration.ofSeconds(written.clockSkewSeconds),
                new OidcKeys(uri.toString(), jwkSetUri),
                rules,
                templates(key, written, uri));
    }

    private static String required(String key, @Nullable String value) {
        if (value == null || value.isBlank()) {
            throw refused(key, "is required");
        }
        return value;
    }

    private static URI uri(String key, String text) {
        try {
            var uri = new URI(text);
            var isWeb = "http".equalsIgnoreCase(uri.getScheme()) || "https".equalsIgnoreCase(uri.getScheme());
            if (isWeb && uri.getHost() != null && uri.getUserInfo() == null && uri.getFragment() == null) {
                return uri;
            }
        } catch (URISyntaxException e) {
            // Answered below: where the text stops being an address is plain to see.
        }
        throw refused(key, "must be an address such as https://gitlab.com");
    }

    private static OidcRule rule(String key, Rule written, URI issuer) {
        if (written.claims.isEmpty()) {
            throw refused(key + ".claims", "must name a claim: without any, everybody would be let in");
        }
        written.claims.forEach((claim, pattern) -> {
            if (pattern.isBlank()) {
                throw refused(key + ".claims." + claim, "must have a pattern; * stands for any characters");
            }
        });
        var owners = OWNER_CLAIMS.get(issuer.getHost());
        if (owners != null
                && written.claims.entrySet().stream()
                        .noneMatch(claim ->
                                owners.contains(OidcRule.reading(claim.getKey())) && namesAnOwner(claim.getValue()))) {
            throw refused(
                    key + ".claims",
                    "must say whose repositories are meant, such as "
                            + (issuer.getHost().equals(GITHUB) ? "repository" : "project_path")
                            + ": shop/web or shop/*, since anybody can have tokens of " + issuer.getHost());
        }
        if (written.role == null) {
            throw refused(key + ".role", "is required: view, deploy or admin");
        }
        if (written.environments.isEmpty() || written.environments.size() > NewApiToken.MOST_ENVIRONMENTS) {
            throw refused(
                    key + ".environments",
                    "must name 1 to " + NewApiToken.MOST_ENVIRONMENTS + " environments; * stands for any characters");
        }
        return new OidcRule(written.claims, written.role, environments(key + ".environments", written.environments));
    }

    /** {@code shop/*} does, {@code shop*} does not: somebody may call themselves shop-lifter. */
    private static boolean namesAnOwner(String pattern) {
        var star = pattern.indexOf('*');
        return star < 0 || pattern.substring(0, star).contains("/");
    }

    private static List<EnvironmentPattern> environments(String key, List<String> texts) {
        var patterns = new ArrayList<EnvironmentPattern>();
        for (var i = 0; i < texts.size(); i++) {
            if (!texts.get(i).matches(EnvironmentPattern.PATTERN)) {
                throw refused(
                        key + "[" + i + "]", "must be an environment's name, in which * stands for any characters");
            }
            patterns.add(new EnvironmentPattern(texts.get(i)));
        }
        return patterns;
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
                throw refused(
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

    private static StartupRefused refused(String key, String complaint) {
        return new StartupRefused("The setting " + key + " " + complaint + ".", WHAT_TO_DO);
    }
}
