package io.lockkeeper.security;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.DefaultValue;

/** An {@link OidcRule} as it is written in the configuration. */
record OidcRuleSettings(
        @DefaultValue Map<String, String> claims,
        @Nullable Role role,
        @DefaultValue List<String> environments) {

    private static final int MOST_RULES = 100;

    /** The rules below {@code key}, checked. */
    static List<OidcRule> read(StrictSettings settings, String key, List<OidcRuleSettings> written) {
        if (written.isEmpty() || written.size() > MOST_RULES) {
            throw settings.refused(key, "must have 1 to " + MOST_RULES + " rules: without any, nobody is let in");
        }
        var rules = new ArrayList<OidcRule>();
        for (var i = 0; i < written.size(); i++) {
            rules.add(written.get(i).read(settings, key + "[" + i + "]"));
        }
        return rules;
    }

    private OidcRule read(StrictSettings settings, String key) {
        if (claims.isEmpty()) {
            throw settings.refused(key + ".claims", "must name a claim: without any, everybody would be let in");
        }
        claims.forEach((claim, pattern) -> {
            if (pattern.isBlank()) {
                throw settings.refused(key + ".claims." + claim, "must have a pattern; * stands for any characters");
            }
        });
        if (role == null) {
            throw settings.refused(key + ".role", "is required: view, deploy or admin");
        }
        if (environments.isEmpty() || environments.size() > NewApiToken.MOST_ENVIRONMENTS) {
            throw settings.refused(
                    key + ".environments",
                    "must name 1 to " + NewApiToken.MOST_ENVIRONMENTS + " environments; * stands for any characters");
        }
        return new OidcRule(claims, role, patterns(settings, key + ".environments"));
    }

    private List<EnvironmentPattern> patterns(StrictSettings settings, String key) {
        var patterns = new ArrayList<EnvironmentPattern>();
        for (var i = 0; i < environments.size(); i++) {
            if (!environments.get(i).matches(EnvironmentPattern.PATTERN)) {
                throw settings.refused(
                        key + "[" + i + "]", "must be an environment's name, in which * stands for any characters");
            }
            patterns.add(new EnvironmentPattern(environments.get(i)));
        }
        return patterns;
    }
}
