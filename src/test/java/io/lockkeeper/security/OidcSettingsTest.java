package io.lockkeeper.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockkeeper.database.StartupRefused;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.env.YamlPropertySourceLoader;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.env.SystemEnvironmentPropertySource;
import org.springframework.core.io.ByteArrayResource;

/** Settings of ID tokens: what makes no sense is refused, and the sentence names the key. */
class OidcSettingsTest {

    private static final Map<String, String> GOOD = Map.of(
            "issuer", "https://ci.example",
            "audience", "lockkeeper",
            "rules[0].claims.project", "shop",
            "rules[0].role", "deploy",
            "rules[0].environments[0]", "staging");

    @Test
    void nothing_is_configured_by_default() {
        assertThat(OidcSettings.read(environment(Map.of()))).isEmpty();
    }

    @Test
    void good_settings_are_taken_without_asking_the_issuer() {
        assertThat(OidcSettings.read(environment(prefixed(GOOD))))
                .singleElement()
                .extracting(OidcIssuer::uri)
                .isEqualTo("https://ci.example");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "issuer                   |                          | issuer is required",
                "issuer                   | ci.example               | issuer must be an address",
                "issuer                   | ftp://ci.example         | issuer must be an address",
                "issuer                   | https://me@ci.example    | issuer must be an address",
                "issuer                   | http://ci.example        | issuer must begin with https://",
                "jwk-set-uri              | http://ci.example/keys   | jwk-set-uri must begin with https://",
                "jwk-set-uri              | keys                     | jwk-set-uri must be an address",
                "audience                 |                          | audience is required",
                "clock-skew-seconds       | -1                       | clock-skew-seconds must be between 0 and 300 seconds, and is -1",
                "clock-skew-seconds       | 301                      | clock-skew-seconds must be between 0 and 300 seconds, and is 301",
                "clock-skew-seconds       | a minute                 | clock-skew-seconds has a value that cannot be read",
                "provider                 | github.com               | provider has a value that cannot be read",
                "claims.repository        | {project                 | claims.repository must be the name of a claim",
                "claims.run-url           | {}                       | claims.run-url must be the name of a claim",
                "rules[0].claims.project  |                          | rules[0].claims.project must have a pattern",
                "rules[0].role            | owner                    | rules[0].role has a value that cannot be read",
                "rules[0].environments[0] | Staging!                 | rules[0].environments[0] must be an environment's name",
                "audiance                 | x                        | audiance is not known",
                "rules[0].rol             | view                     | rules[0].rol is not known",
                "rules[0].environment     | x                        | rules[0].environment is not known",
                "rules[2].role            | view                     | rules[2].role is not known",
                "claims.branch            | x                        | claims.branch is not known",
            })
    void bad_value_or_misspelt_key_is_refused_by_name(String key, String value, String complaint) {
        var settings = new LinkedHashMap<>(GOOD);
        settings.put(key, value == null ? "" : value);
        assertRefused(prefixed(settings), "The setting lockkeeper.oidc.issuers[0]." + complaint);
    }

    @ParameterizedTest
    @CsvSource({
        "issuer, issuer is required",
        "audience, audience is required",
        "rules[0].claims.project, rules[0].claims must name a claim",
        "rules[0].role, rules[0].role is required",
        "rules[0].environments[0], rules[0].environments must name 1 to 32 environments",
    })
    void missing_key_is_refused_by_name(String key, String complaint) {
        var settings = new LinkedHashMap<>(GOOD);
        settings.remove(key);
        assertRefused(prefixed(settings), "The setting lockkeeper.oidc.issuers[0]." + complaint);
    }

    @Test
    void issuer_without_rules_is_refused() {
        assertRefused(
                Map.of(
                        "lockkeeper.oidc.issuers[0].issuer", "https://ci.example",
                        "lockkeeper.oidc.issuers[0].audience", "lockkeeper"),
                "The setting lockkeeper.oidc.issuers[0].rules must have 1 to 100 rules");
    }

    @Test
    void misspelt_key_beside_the_issuers_is_refused() {
        assertRefused(
                Map.of("lockkeeper.oidc.issuer[0].issuer", "https://ci.example"),
                "The setting lockkeeper.oidc.issuer[0].issuer is not known.");
    }

    @Test
    void issuer_that_is_named_twice_is_refused() {
        var settings = new LinkedHashMap<>(prefixed(GOOD));
        GOOD.forEach((key, value) -> settings.put("lockkeeper.oidc.issuers[1]." + key, value));
        settings.put("lockkeeper.oidc.issuers[1].issuer", "https://ci.example/");
        assertRefused(settings, "The setting lockkeeper.oidc.issuers[1].issuer names an issuer a second time");
    }

    @ParameterizedTest
    @CsvSource({
        "ref, refs/heads/main",
        "repository, *",
        "repository, */web",
        "repository, shop*",
        "repository_owner, shop*",
        "sub, repo:*",
        "job_workflow_ref, shop/ci/.github/workflows/deploy.yml@*",
    })
    void rule_that_lets_all_of_github_in_is_refused(String claim, String pattern) {
        assertRefused(
                publicIssuer("https://token.actions.githubusercontent.com", claim, pattern),
                "The setting lockkeeper.oidc.issuers[0].rules[0].claims must say whose repositories are meant, such as"
                        + " repository: shop/web");
    }

    @ParameterizedTest
    @CsvSource({
        "https://token.actions.githubusercontent.com, repository, shop/*",
        "https://token.actions.githubusercontent.com, repository_owner, shop",
        "https://token.actions.githubusercontent.com, repository_owner_id, 123",
        "https://token.actions.githubusercontent.com, sub, repo:shop/web:*",
        "https://gitlab.com, project_path, shop/*",
        "https://gitlab.com, namespace_id, 7",
        "https://gitlab.example, ref, main",
    })
    void rule_that_names_an_owner_is_taken(String issuer, String claim, String pattern) {
        assertThatCode(() -> OidcSettings.read(environment(publicIssuer(issuer, claim, pattern))))
                .doesNotThrowAnyException();
    }

    @Test
    void rule_that_lets_all_of_gitlab_com_in_is_refused() {
        assertRefused(
                publicIssuer("https://gitlab.com", "ref_protected", "true"),
                "The setting lockkeeper.oidc.issuers[0].rules[0].claims must say whose repositories are meant, such as"
                        + " project_path: shop/web");
    }

    @Test
    void environment_variables_configure_it_as_well() {
        assertThat(OidcSettings.read(variables(Map.of()))).hasSize(1);
        assertThat(OidcSettings.read(variables(Map.of(
                        "LOCKKEEPER_OIDC_ISSUERS_0_JWK_SET_URI", "https://gitlab.com/keys",
                        "LOCKKEEPER_OIDC_ISSUERS_0_CLOCKSKEWSECONDS", "30",
                        "LOCKKEEPER_OIDC_ISSUERS_0_CLAIMS_RUN_URL", "{iss}/{job_id}",
                        "LOCKKEEPER_OIDC_ISSUERS_0_RULES_0_CLAIMS_REF_PROTECTED", "true",
                        "LOCKKEEPER_OIDCX", "another's"))))
                .hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "LOCKKEEPER_OIDC_ISSUERS_0_CLOCKSKEW",
                "LOCKKEEPER_OIDC_ISSUER_0_ISSUER",
                "LOCKKEEPER_OIDC_ISSUERS_0_RULES_0_ENVIRONMENT",
                "LOCKKEEPER_OIDC_ISSUERS_0_CLAIMS_COMMIT",
                "LOCKKEEPER_OIDC_ENABLED",
                "lockkeeper_oidc_issuers_0_roles"
            })
    void unknown_environment_variable_is_refused_by_name(String variable) {
        assertThatThrownBy(() -> OidcSettings.read(variables(Map.of(variable, "1"))))
                .isInstanceOf(StartupRefused.class)
                .hasMessageStartingWith("The setting " + variable + " is not known.");
    }

    /** A good issuer and what else there is. */
    private static StandardEnvironment variables(Map<String, Object> more) {
        Map<String, Object> variables = new LinkedHashMap<>(Map.of(
                "LOCKKEEPER_OIDC_ISSUERS_0_ISSUER", "https://gitlab.com",
                "LOCKKEEPER_OIDC_ISSUERS_0_AUDIENCE", "lockkeeper",
                "LOCKKEEPER_OIDC_ISSUERS_0_RULES_0_CLAIMS_PROJECT_PATH", "shop/*",
                "LOCKKEEPER_OIDC_ISSUERS_0_RULES_0_ROLE", "deploy",
                "LOCKKEEPER_OIDC_ISSUERS_0_RULES_0_ENVIRONMENTS", "staging,prod-*"));
        variables.putAll(more);
        var environment = new StandardEnvironment();
        environment
                .getPropertySources()
                .replace(
                        StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME,
                        new SystemEnvironmentPropertySource(
                                StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME, variables));
        return environment;
    }

    @Test
    void examples_of_the_page_are_taken() throws IOException {
        var page = Files.readString(Path.of("docs/oidc.md"));
        var examples = Pattern.compile("(?s)```yaml\n(lockkeeper:\n.+?)```")
                .matcher(page)
                .results()
                .toList();
        assertThat(examples).hasSize(3);
        for (var example : examples) {
            var yaml = new ByteArrayResource(example.group(1).getBytes(StandardCharsets.UTF_8));
            var environment = new StandardEnvironment();
            new YamlPropertySourceLoader()
                    .load("docs/oidc.md", yaml)
                    .forEach(environment.getPropertySources()::addFirst);
            assertThat(OidcSettings.read(environment)).hasSize(1);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"https://ci.example", "https://ci.example/"})
    void caller_is_named_by_issuer_and_subject(String issuer) {
        assertThat(OidcIssuer.name(issuer, "repo:shop/web:environment:production"))
                .isEqualTo("ci.example:repo:shop/web:environment:production");
        assertThat(OidcIssuer.name("https://sso.example:8443/realms/ci", "7"))
                .isEqualTo("sso.example:8443/realms/ci:7");
    }

    @Test
    void long_name_is_cut_and_stays_different_from_others() {
        var one = OidcIssuer.name("https://ci.example", "x".repeat(300) + "1");
        var other = OidcIssuer.name("https://ci.example", "x".repeat(300) + "2");
        assertThat(one).hasSize(255).startsWith("ci.example:xxx").isNotEqualTo(other);
        assertThat(OidcIssuer.name("https://ci.example", "y".repeat(244)))
                .endsWith("y")
                .hasSize(255);
    }

    private static Map<String, String> publicIssuer(String issuer, String claim, String pattern) {
        return prefixed(Map.of(
                "issuer",
                issuer,
                "audience",
                "lockkeeper",
                "rules[0].claims." + claim,
                pattern,
                "rules[0].role",
                "deploy",
                "rules[0].environments[0]",
                "staging"));
    }

    private static Map<String, String> prefixed(Map<String, String> settings) {
        var prefixed = new LinkedHashMap<String, String>();
        settings.forEach((key, value) -> prefixed.put("lockkeeper.oidc.issuers[0]." + key, value));
        return prefixed;
    }

    private static void assertRefused(Map<String, String> settings, String complaint) {
        assertThatThrownBy(() -> OidcSettings.read(environment(settings)))
                .isInstanceOf(StartupRefused.class)
                .hasMessageStartingWith(complaint)
                .hasMessageEndingWith("Correct it and start again; docs/oidc.md lists every key.");
    }

    private static StandardEnvironment environment(Map<String, String> settings) {
        var environment = new StandardEnvironment();
        environment.getPropertySources().addFirst(new MapPropertySource("test", Map.copyOf(settings)));
        return environment;
    }
}
