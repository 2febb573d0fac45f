package io.lockkeeper.webhook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockkeeper.database.StartupRefused;
import io.lockkeeper.security.EnvironmentPattern;
import io.lockkeeper.webhook.Webhook.Format;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.context.properties.source.ConfigurationPropertySources;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.env.SystemEnvironmentPropertySource;

/** Settings of webhooks: what makes no sense is refused, the sentence names the key, and nothing shows a value. */
class WebhookSettingsTest {
    private static final String SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    private static final Map<String, String> GOOD = Map.of("url", "https://robot.example/hook", "secret", SECRET);

    @Test
    void there_is_none_by_default() {
        assertThat(read(Map.of(), Map.of())).isEmpty();
    }

    @Test
    void url_and_secret_are_enough() {
        Webhook robot = read(prefixed(GOOD), Map.of()).getFirst();

        assertThat(robot.name()).isEqualTo("robot");
        assertThat(robot.format()).isEqualTo(Format.JSON);
        assertThat(robot.events()).containsExactlyInAnyOrderElementsOf(EventTypes.USUAL);
        assertThat(robot.environments()).isEqualTo(EnvironmentPattern.EVERYWHERE);
        assertThat(robot.origin()).isEqualTo("https://robot.example");
        assertThat(robot.toString()).isEqualTo("Webhook[robot]");
    }

    @Test
    void variables_declare_a_webhook_and_complete_one_of_a_file() {
        List<Webhook> webhooks = read(
                Map.of(
                        "lockkeeper.webhooks.robot.url",
                        "https://robot.example",
                        "lockkeeper.webhooks.robot.events",
                        "*"),
                Map.of(
                        "LOCKKEEPER_WEBHOOKS_ROBOT_SECRET", SECRET,
                        "LOCKKEEPER_WEBHOOKS_CHAT_URL", "https://hooks.slack.com/services/1/2/3",
                        "LOCKKEEPER_WEBHOOKS_CHAT_FORMAT", "slack",
                        "LOCKKEEPER_WEBHOOKS_CHAT_EVENTS", "released,expired",
                        "LOCKKEEPER_WEBHOOKS_CHAT_ENVIRONMENTS_0", "shop-*"));

        assertThat(webhooks).extracting(Webhook::name).containsExactly("chat", "robot");
        assertThat(webhooks.getFirst().events()).containsExactly("expired", "released");
        assertThat(webhooks.getFirst().keys()).isEmpty();
        assertThat(webhooks.getLast().keys()).hasSize(1);
        assertThat(webhooks.getLast().events()).containsExactly("*");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "url              |                             | url is required",
                "url              | robot.example/hush          | url must be an http:// or https:// URL",
                "url              | ftp://robot.example/hush    | url must be an http:// or https:// URL",
                "url              | https://robot.example/#hush | url must be an http:// or https:// URL",
                "url              | https://robot.example/ hush | url must be an http:// or https:// URL",
                "url              | https:///hush               | url must be an http:// or https:// URL",
                "url              | https://robot.example:0/hush | url must be an http:// or https:// URL",
                "secret           |                             | secret is required",
                "secret           | hush                        | secret must be whsec_ and the base64 of 24 to 64 bytes",
                "secret           | whsec_hush                  | secret must be whsec_ and the base64 of 24 to 64 bytes",
                "secret           | hush hush hush              | secret has more than two secrets",
                "format           | hush                        | format has a value that cannot be read",
                "events[0]        | granded                     | events[0] is no type of events",
                "environments[0]  | Production!                 | environments[0] must be an environment's name",
                "urll             | hush                        | urll is not known",
                "event            | hush                        | event is not known",
                "events[0].type   | hush                        | events[0].type is not known",
                "sekret           | hush                        | sekret is not known",
            })
    void bad_value_or_misspelt_key_is_refused_by_name_and_not_shown(String key, String value, String complaint) {
        Map<String, String> settings = new HashMap<>(GOOD);
        settings.put(key, value == null ? "" : value);

        assertThatThrownBy(() -> read(prefixed(settings), Map.of()))
                .isInstanceOf(StartupRefused.class)
                .hasMessageStartingWith("The setting lockkeeper.webhooks.robot." + complaint)
                .satisfies(refusal ->
                        assertThat(refusal.getMessage() + refusal.getCause()).doesNotContain("hush"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"deploy-bot", "Robot"})
    void name_that_a_variable_could_not_say_is_refused(String name) {
        Map<String, Object> settings = new LinkedHashMap<>();
        GOOD.forEach((key, value) -> settings.put("lockkeeper.webhooks." + name + "." + key, value));

        assertThatThrownBy(() -> read(settings, Map.of()))
                .isInstanceOf(StartupRefused.class)
                .hasMessageContaining("lockkeeper.webhooks." + name + " is not for a webhook");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "LOCKKEEPER_WEBHOOKS_CHAT_SECRTE",
                "LOCKKEEPER_WEBHOOKS_CHAT",
                "LOCKKEEPER_WEBHOOKS_DEPLOY_BOT_URL",
                "LOCKKEEPER_WEBHOOKS_CHAT_EVENTS_ONE"
            })
    void variable_that_would_be_passed_over_is_refused_by_name(String variable) {
        assertThatThrownBy(() -> read(Map.of(), Map.of(variable, "x")))
                .isInstanceOf(StartupRefused.class)
                .hasMessageContaining("The environment variable " + variable + " is not the name of a webhook");
    }

    @Test
    void twenty_one_are_too_many() {
        Map<String, Object> settings = new LinkedHashMap<>();
        for (int i = 0; i <= WebhookSettings.MOST_WEBHOOKS; i++) {
            settings.put("lockkeeper.webhooks.robot" + i + ".url", "https://robot.example");
        }

        assertThatThrownBy(() -> read(settings, Map.of())).hasMessageContaining("declares more than 20 webhooks");
    }

    private static Map<String, Object> prefixed(Map<String, String> settings) {
        Map<String, Object> prefixed = new LinkedHashMap<>();
        settings.forEach((key, value) -> prefixed.put("lockkeeper.webhooks.robot." + key, value));
        return prefixed;
    }

    private static List<Webhook> read(Map<String, Object> file, Map<String, Object> variables) {
        var environment = new StandardEnvironment();
        environment.getPropertySources().remove(StandardEnvironment.SYSTEM_PROPERTIES_PROPERTY_SOURCE_NAME);
        environment
                .getPropertySources()
                .replace(
                        StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME,
                        new SystemEnvironmentPropertySource(
                                StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME, variables));
        environment.getPropertySources().addLast(new MapPropertySource("file", file));
        ConfigurationPropertySources.attach(environment);
        return WebhookSettings.read(environment);
    }
}
