package io.lockkeeper.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockkeeper.database.StartupRefused;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.core.env.Environment;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.env.SystemEnvironmentPropertySource;

/** Settings of people's log-in: what makes no sense is refused, and the sentence names the key. */
class LoginSettingsTest {

    private static final Map<String, String> GOOD = Map.of(
            "issuer", "https://id.example",
            "client-id", "page",
            "client-secret", "s3cr3t",
            "rules[0].claims.groups", "deployers",
            "rules[0].role", "deploy",
            "rules[0].environments[0]", "staging");

    @Test
    void nobody_is_let_in_by_default() {
        assertThat(LoginSettings.read(environment(Map.of()))).isEmpty();
    }

    @Test
    void good_settings_are_taken_without_asking_the_provider_and_the_button_has_its_host() {
        assertThat(LoginSettings.read(environment(GOOD)))
                .hasValueSatisfying(people -> assertThat(people.providerName()).isEqualTo("id.example"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "issuer                   |                   | issuer is required",
                "issuer                   | http://id.example | issuer must begin with https://",
                "client-id                |                   | client-id is required",
                "client-secret            |                   | client-secret is required",
                "scopes                   | profile           | scopes must contain openid",
                "user-name-claim          |                   | user-name-claim is required",
                "clock-skew-seconds       | 301               | clock-skew-seconds must be between 0 and 300 seconds, and is 301",
                "rules[0].claims.groups   |                   | rules[0].claims.groups must have a pattern",
                "rules[0].role            | owner             | rules[0].role has a value that cannot be read",
                "rules[0].environments[0] | Staging!          | rules[0].environments[0] must be an environment's name",
                "clientsecrets            | x                 | clientsecrets is not known",
                "rules[0].rol             | view              | rules[0].rol is not known",
            })
    void bad_value_or_misspelt_key_is_refused_by_name(String key, String value, String complaint) {
        var settings = new LinkedHashMap<>(GOOD);
        settings.put(key, value == null ? "" : value);
        assertThatThrownBy(() -> LoginSettings.read(environment(settings)))
                .isInstanceOf(StartupRefused.class)
                .hasMessageContaining("The setting lockkeeper.login.oidc." + complaint)
                .hasMessageNotContaining("s3cr3t");
    }

    @Test
    void settings_without_a_rule_are_refused() {
        var settings = new LinkedHashMap<>(GOOD);
        settings.keySet().removeIf(key -> key.startsWith("rules"));
        assertThatThrownBy(() -> LoginSettings.read(environment(settings)))
                .hasMessageContaining("lockkeeper.login.oidc.rules must have 1 to 100 rules");
    }

    @ParameterizedTest
    @ValueSource(strings = {"LOCKKEEPER_LOGIN_OIDC_CLIENT_SECRETS", "LOCKKEEPER_LOGIN_ISSUER"})
    void misspelt_variable_is_refused_by_name(String variable) {
        assertThatThrownBy(() -> LoginSettings.read(variables(Map.of(variable, "s3cr3t"))))
                .hasMessageContaining("The setting " + variable + " is not known")
                .hasMessageNotContaining("s3cr3t");
    }

    @Test
    void everything_can_be_said_in_variables() {
        assertThat(LoginSettings.read(variables(Map.of(
                        "LOCKKEEPER_LOGIN_OIDC_ISSUER", "https://id.example",
                        "LOCKKEEPER_LOGIN_OIDC_CLIENT_ID", "page",
                        "LOCKKEEPER_LOGIN_OIDC_CLIENT_SECRET", "s3cr3t",
                        "LOCKKEEPER_LOGIN_OIDC_SCOPES", "openid,groups",
                        "LOCKKEEPER_LOGIN_OIDC_USER_NAME_CLAIM", "email",
                        "LOCKKEEPER_LOGIN_OIDC_RULES_0_CLAIMS_GROUPS", "deployers",
                        "LOCKKEEPER_LOGIN_OIDC_RULES_0_ROLE", "deploy",
                        "LOCKKEEPER_LOGIN_OIDC_RULES_0_ENVIRONMENTS_0", "staging"))))
                .isPresent();
    }

    @ParameterizedTest
    @CsvSource({
        "https://accounts.google.com, email,  *",
        "https://accounts.google.com, email,  *shop.example",
        "https://accounts.google.com, email,  *@*",
        "https://accounts.google.com, name,   Alice",
        "https://gitlab.com,          groups_direct, shop*",
    })
    void rule_that_lets_in_strangers_of_a_public_provider_is_refused(String issuer, String claim, String pattern) {
        assertThatThrownBy(() -> LoginSettings.read(environment(publicProvider(issuer, claim, pattern))))
                .hasMessageContaining("must say who is meant");
    }

    @ParameterizedTest
    @CsvSource({
        "https://accounts.google.com, email, *@shop.example",
        "https://accounts.google.com, hd,    shop.example",
        "https://gitlab.com,          groups_direct, shop/*",
        "https://gitlab.com,          nickname, alice",
    })
    void rule_that_names_people_of_a_public_provider_is_taken(String issuer, String claim, String pattern) {
        assertThatCode(() -> LoginSettings.read(environment(publicProvider(issuer, claim, pattern))))
                .doesNotThrowAnyException();
    }

    private static Map<String, String> publicProvider(String issuer, String claim, String pattern) {
        var settings = new LinkedHashMap<>(GOOD);
        settings.put("issuer", issuer);
        settings.remove("rules[0].claims.groups");
        settings.put("rules[0].claims." + claim, pattern);
        return settings;
    }

    private static Environment environment(Map<String, String> settings) {
        var prefixed = new LinkedHashMap<String, Object>();
        settings.forEach((key, value) -> prefixed.put("lockkeeper.login.oidc." + key, value));
        var environment = new StandardEnvironment();
        environment.getPropertySources().addFirst(new MapPropertySource("settings", prefixed));
        return environment;
    }

    private static Environment variables(Map<String, Object> variables) {
        var environment = new StandardEnvironment();
        environment
                .getPropertySources()
                .replace(
                        StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME,
                        new SystemEnvironmentPropertySource(
                                StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME, variables));
        return environment;
    }
}
