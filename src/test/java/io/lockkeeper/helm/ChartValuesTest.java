package io.lockkeeper.helm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

/** {@code values.schema.json}: what makes no sense is refused before anything is installed, and what the service takes is taken. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class ChartValuesTest {
    private static final JsonNode SCHEMA = Chart.read("values.schema.json");

    /** Beside these, secret is what has such an end: it belongs into a secret. */
    private static final Pattern SECRET = Pattern.compile(".*(token|password|secret|keys?)");

    /** What the chart takes from a secret, or sees to itself. */
    private static final Set<String> NOT_IN_A_FILE =
            Set.of("data-dir", "database-url", "database-user", "database-listen-url", "shutdown.drain-seconds");

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource
    void senseless_values_are_refused_with_their_place(String values, String complaint) {
        assertThatThrownBy(() -> Chart.render(values)).hasMessageContaining(complaint);
    }

    static Stream<Arguments> senseless_values_are_refused_with_their_place() {
        return Stream.of(
                refused("replica: 2", "at '': additional properties 'replica' not allowed"),
                refused("replicas: 0", "at '/replicas': minimum: got 0, want 1"),
                refused("replicas: two", "at '/replicas': got string, want integer"),
                refused("image: {tag: a b}", "at '/image/tag'"),
                refused("image: {digest: latest}", "at '/image/digest'"),
                refused("image: {pullPolicy: Sometimes}", "at '/image/pullPolicy': value must be one of"),
                refused("database: {secretName: ''}", "at '/database/secretName'"),
                refused("database: {urlKey: ''}", "at '/database/urlKey'"),
                refused(
                        "database: {password: hunter2}",
                        "at '/database': additional properties 'password' not allowed"),
                refused("secret: {name: Not_A_Name}", "at '/secret/name'"),
                refused("secret: {env: {LOCKKEEPER_ADMIN_TOKEN: token}}", "at '/secret/env/LOCKKEEPER_ADMIN_TOKEN'"),
                refused(
                        "secret: {env: {NO-VARIABLE: key}}",
                        "at '/secret/env': additional properties 'NO-VARIABLE' not allowed"),
                refused("extraEnv: [{name: SERVER_PORT, value: '80'}]", "at '/extraEnv/0/name'"),
                refused("extraEnv: [{name: A, value: 80}]", "at '/extraEnv/0/value': got number, want string"),
                refused("extraEnv: [{name: A}]", "at '/extraEnv/0'"),
                refused("extraVolumes: [{name: tmp, emptyDir: {}}]", "at '/extraVolumes/0/name'"),
                refused(
                        "terminationGracePeriodSeconds: 25",
                        "at '/terminationGracePeriodSeconds': minimum: got 25, want 30"),
                refused("runAsUser: 0", "at '/runAsUser': minimum: got 0, want 1"),
                refused("resources: {requests: {memory: much}}", "at '/resources/requests/memory'"),
                refused("service: {port: 70000}", "at '/service/port': maximum: got 70,000, want 65,535"),
                refused("ingress: {enabled: true}", "at '/ingress/host': minLength: got 0, want 1"),
                refused("ingress: {enabled: true, host: 'https://a.example'}", "at '/ingress/host'"),
                refused("ingress: {annotations: {a: 90}}", "at '/ingress/annotations/a': got number, want string"),
                refused(
                        "httpRoute: {enabled: true, host: a.example}",
                        "at '/httpRoute/parentRefs': minItems: got 0, want 1"),
                refused("networkPolicy: {enabled: true}", "at '/networkPolicy/ingressFrom': minItems: got 0, want 1"),
                refused("serviceMonitor: {interval: often}", "at '/serviceMonitor/interval'"),
                refused("serviceMonitor: {enabled: 'yes'}", "at '/serviceMonitor/enabled': got string, want boolean"),
                config("server: {port: 9090}", "at '/config/server/port'"),
                config("spring: {datasource: {password: hunter2}}", "at '/config/spring/datasource/password'"),
                config("spring: {lifecycle: {timeout-per-shutdown-phase: 5m}}", "at '/config/spring/lifecycle'"),
                config("management: {server: {port: 9090}}", "at '/config/management/server'"),
                config("environments: {}", "at '/config': additional properties 'environments' not allowed"),
                lockkeeper("admin-token: lkt_1234567890123456", "additional properties 'admin-token' not allowed"),
                lockkeeper("queue: {presence-seconds: 0}", "at '/config/lockkeeper/queue/presence-seconds': minimum"),
                lockkeeper(
                        "environments: {production: {lease-seconds: 1}}",
                        "/production/lease-seconds': minimum: got 1, want 5"),
                lockkeeper(
                        "environments: {production: {lease_seconds: 60}}",
                        "additional properties 'lease_seconds' not allowed"),
                lockkeeper(
                        "environments: {production: {queue-mode: lifo}}",
                        "/production/queue-mode': value must be one of"),
                lockkeeper(
                        "environments: {production: {lock-group: Prod}}",
                        "/production/lock-group': 'Prod' does not match pattern"),
                lockkeeper("environments: {shop.web: {}}", "'shop.web' does not match pattern"),
                lockkeeper(
                        "environments: {production: {freeze-windows: [{cron: 0 16 * * FRI}]}}", "missing properties"),
                lockkeeper("oidc: {issuers: [{issuer: gitlab.com, audience: a, rules: []}]}", "/issuers/0/issuer'"),
                lockkeeper(
                        "oidc: {issuers: [{issuer: 'https://gitlab.com', audience: a, rules: []}]}",
                        "/rules': minItems: got 0, want 1"),
                lockkeeper(
                        "login: {oidc: {issuer: 'https://a.example', client-id: a, client-secret: b}}",
                        "additional properties 'client-secret' not allowed"),
                lockkeeper(
                        "webhooks: {chat-room: {format: slack}}",
                        "at '/config/lockkeeper/webhooks': additional properties 'chat-room' not allowed"),
                lockkeeper(
                        "webhooks: {robot: {url: 'https://a.example', secret: whsec_a}}",
                        "additional properties 'secret' not allowed"),
                // What no schema can say: a setting here, and its secret elsewhere.
                lockkeeper(
                        "webhooks: {robot: {url: 'https://a.example'}}",
                        "config.lockkeeper.webhooks.robot needs the variable LOCKKEEPER_WEBHOOKS_ROBOT_SECRET: name a key of your secret for it in secret.env"),
                lockkeeper("webhooks: {chat: {format: slack}}", "needs the variable LOCKKEEPER_WEBHOOKS_CHAT_URL"),
                lockkeeper(
                        "login: {oidc: {issuer: 'https://a.example', client-id: a, rules: [{claims: {groups: a}, role: view, environments: ['*']}]}}",
                        "config.lockkeeper.login.oidc needs the variable LOCKKEEPER_LOGIN_OIDC_CLIENT_SECRET"));
    }

    private static Arguments refused(String values, String complaint) {
        return Arguments.of(values, complaint);
    }

    private static Arguments config(String values, String complaint) {
        return refused("config: {" + values + "}", complaint);
    }

    private static Arguments lockkeeper(String values, String complaint) {
        return config("lockkeeper: {" + values + "}", complaint);
    }

    @Test
    void each_value_of_the_schema_has_its_default_and_its_comment() {
        var values = Chart.read("values.yaml");
        var written = Chart.text("values.yaml");

        assertThat(SCHEMA.path("properties").propertyNames())
                .containsAll(values.propertyNames())
                .filteredOn(name -> !values.has(name))
                .containsExactly("global");
        assertThat(values.propertyNames())
                .filteredOn(name -> !written.contains("\n\n" + name + ":"))
                .allSatisfy(name -> assertThat(written).containsPattern("(?m)^( *#.*|\\w+: .*)\n" + name + ":"));
    }

    @Test
    void examples_of_the_page_are_taken() throws Exception {
        var page = Files.readString(Path.of("docs/kubernetes.md"));
        var examples = Pattern.compile("<!-- checked: values -->\n```yaml\n(.*?)```", Pattern.DOTALL)
                .matcher(page)
                .results()
                .map(block -> block.group(1))
                .toList();

        assertThat(examples)
                .hasSize(page.split("```yaml", -1).length - 1)
                .hasSizeGreaterThan(5)
                .allSatisfy(example -> assertThat(Chart.render(example)).contains("kind: Deployment"));
    }

    /** Every object says which keys it has, or of which kind they all are, except where the words are Kubernetes' or the framework's own. */
    @Test
    void schema_leaves_no_key_open_that_it_could_name() {
        var open = new TreeMap<String, JsonNode>();
        collectOpen("", SCHEMA, open);

        assertThat(open.keySet())
                .allMatch(
                        path -> path.matches(
                                "/properties/(global|extraVolumes/items|extraVolumeMounts/items|tolerations/items"
                                        + "|extraEnv/items/properties/valueFrom|networkPolicy/properties/ingressFrom/items/properties/\\w+)"
                                        + "|/definitions/config/properties/(server|spring|spring/properties/datasource|management|logging)"));
    }

    private static void collectOpen(String path, JsonNode schema, Map<String, JsonNode> open) {
        if (schema.path("type").asString("").equals("object") && !schema.has("additionalProperties")) {
            open.put(path, schema);
        }
        schema.properties().forEach(child -> collectOpen(path + "/" + child.getKey(), child.getValue(), open));
    }

    @Test
    void settings_of_the_service_are_known_with_the_ranges_of_their_page() throws Exception {
        var documented = new TreeMap<String, String>();
        rows(
                        "docs/configuration.md",
                        "## Lockkeeper",
                        "| `lockkeeper\\.([a-z.-]+)` \\| `[A-Z_]+` \\| [^|]+ \\| ([^|]+) \\|")
                .filter(row -> !SECRET.matcher(row[0]).matches() && !NOT_IN_A_FILE.contains(row[0]))
                .forEach(row -> documented.put(row[0], range(row[1])));
        assertThat(documented).hasSizeGreaterThan(15);

        var known = new TreeMap<String, String>();
        leaves("", definition("lockkeeper"), known);

        assertThat(known).isEqualTo(documented);
    }

    @Test
    void policy_is_known_with_the_ranges_of_its_page() throws Exception {
        var documented = new TreeMap<String, String>();
        rows("docs/policy.md", "## Every key", "| `([a-z_]+)` \\| [^|]+ \\| ([^|]+) \\|")
                .forEach(row -> documented.put(row[0].replace('_', '-'), range(row[1])));

        var known = new TreeMap<String, String>();
        definition("policy")
                .path("properties")
                .properties()
                .forEach(key -> known.put(key.getKey(), range(key.getValue())));

        assertThat(known).isEqualTo(documented);
    }

    /** Key and range of each row of the table below a heading. */
    private static Stream<String[]> rows(String page, String heading, String row) throws IOException {
        var text = Files.readString(Path.of(page));
        var section = text.substring(text.indexOf(heading));
        return Pattern.compile("(?m)^\\" + row)
                .matcher(section.substring(0, section.indexOf("\n## ", 1)))
                .results()
                .map(match -> new String[] {match.group(1), match.group(2)});
    }

    /** Such as {@code 5 to 86400}; empty where a page has words. */
    private static String range(String words) {
        return words.strip().matches("[0-9]+ to [0-9]+") ? words.strip() : "";
    }

    private static String range(JsonNode schema) {
        return schema.has("minimum")
                ? schema.path("minimum").asInt() + " to "
                        + schema.path("maximum").asInt()
                : "";
    }

    private static JsonNode definition(String name) {
        return SCHEMA.path("definitions").path(name);
    }

    /** The settings below one, but those that have pages of their own. */
    private static void leaves(String prefix, JsonNode schema, Map<String, String> known) {
        schema.path("properties").properties().forEach(setting -> {
            var name = prefix + setting.getKey();
            if (Set.of("environments", "oidc", "login", "webhooks").contains(name)) {
                return;
            }
            if (setting.getValue().has("properties")) {
                leaves(name + ".", setting.getValue(), known);
            } else {
                known.put(name, range(setting.getValue()));
            }
        });
    }
}
