package io.lockkeeper.helm;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import com.networknt.schema.InputFormat;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** The objects that the chart makes, with its defaults and with everything that it can do. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class ChartTest {
    private static final Path RESOURCES = Path.of("src/test/resources/helm");
    private static final boolean UPDATE = Boolean.getBoolean("helm.update");

    /** Kinds that clusters know by themselves; others come with an operator or a gateway. */
    private static final Map<String, String> DEFINED_ELSEWHERE = Map.of(
            "ServiceMonitor", "monitoring.coreos.com/v1",
            "PrometheusRule", "monitoring.coreos.com/v1",
            "HTTPRoute", "gateway.networking.k8s.io/v1");

    enum Case {
        DEFAULTS,
        EVERYTHING;

        String given() throws IOException {
            return this == DEFAULTS ? "" : Files.readString(RESOURCES.resolve("everything.values.yaml"));
        }

        Path copy() {
            return RESOURCES.resolve(this == DEFAULTS ? "defaults.yaml" : "everything.yaml");
        }

        List<JsonNode> objects() throws IOException {
            return Chart.objects(Chart.render(given()));
        }
    }

    @Test
    void chart_passes_helm_lint() {
        var lint = Chart.lint();

        assertThat(lint.isFailed()).as(lint.getMessages().toString()).isFalse();
        assertThat(lint.getMessages()).containsExactly("[INFO] Chart.yaml: icon is recommended");
    }

    @Test
    void chart_and_service_have_the_version_of_the_build() throws Exception {
        var version = version();

        assertThat(Chart.read("Chart.yaml").path("appVersion").asString()).isEqualTo(version);
        assertThat(Chart.read("Chart.yaml").path("version").asString()).isEqualTo(version);
        assertThat(Chart.read("Chart.yaml").path("kubeVersion").asString()).isEqualTo(">=" + Chart.KUBERNETES + "-0");
    }

    @ParameterizedTest
    @EnumSource
    void rendering_is_the_checked_in_one(Case values) throws Exception {
        var rendering = withoutFiles(Chart.render(values.given())).replace(version(), "<version>");
        if (UPDATE) {
            Files.writeString(values.copy(), rendering);
        }

        assertThat(rendering)
                .as("%s; if the change is meant, ./mvnw test -Dtest=ChartTest -Dhelm.update=true writes it", values)
                .isEqualTo(Files.readString(values.copy()));
    }

    /** Rules and dashboard have one source, which tests of their own look at; here they only must have come through unchanged. */
    private static String withoutFiles(String rendering) {
        return rendering
                .replace(Chart.text("files/rules.yaml").indent(2), "  <files/rules.yaml>\n")
                .replace(Chart.text("files/dashboard.json").indent(4), "    <files/dashboard.json>\n");
    }

    private static String version() throws IOException {
        var version = Pattern.compile("<artifactId>lockkeeper</artifactId>\\s*<version>([^<]+)<")
                .matcher(Files.readString(Path.of("pom.xml")));
        assertThat(version.find()).isTrue();
        return version.group(1);
    }

    @Test
    void everything_has_each_template_and_defaults_have_what_every_installation_needs() throws Exception {
        try (Stream<Path> templates = Files.list(Chart.DIRECTORY.resolve("templates"))) {
            assertThat(Chart.render(Case.EVERYTHING.given()))
                    .contains(templates
                            .map(template -> template.getFileName().toString())
                            .filter(template -> template.endsWith(".yaml"))
                            .map(template -> "# Source: lockkeeper/templates/" + template)
                            .toList());
        }
        assertThat(Case.DEFAULTS.objects())
                .extracting(ChartTest::kind)
                .containsExactlyInAnyOrder(
                        "ConfigMap", "Deployment", "PodDisruptionBudget", "Service", "ServiceAccount");
    }

    /** As a server with strict field validation does: no unknown field at any depth, none missing, no wrong type. */
    @ParameterizedTest
    @EnumSource
    void kubernetes_reads_each_object_strictly(Case values) throws Exception {
        var crds = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
                .getSchema(Files.readString(RESOURCES.resolve("custom-resources.schema.json")));
        for (var object : values.objects()) {
            var kind = kind(object);
            var apiVersion = object.path("apiVersion").asString();
            if (DEFINED_ELSEWHERE.containsKey(kind)) {
                assertThat(apiVersion).isEqualTo(DEFINED_ELSEWHERE.get(kind));
                assertThat(crds.validate(object.toString(), InputFormat.JSON))
                        .as(kind)
                        .isEmpty();
            } else {
                readStrictly(apiVersion, kind, object);
            }
        }
    }

    private static void readStrictly(String apiVersion, String kind, JsonNode object) throws Exception {
        var version = apiVersion.substring(apiVersion.indexOf('/') + 1);
        var model = Class.forName("io.kubernetes.client.openapi.models."
                + version.substring(0, 1).toUpperCase(java.util.Locale.ROOT) + version.substring(1) + kind);
        model.getMethod("validateJsonElement", JsonElement.class)
                .invoke(null, JsonParser.parseString(object.toString()));
        assertThat(model.getMethod("fromJson", String.class).invoke(null, object.toString()))
                .isNotNull();
    }

    @ParameterizedTest
    @EnumSource
    void objects_are_labelled_and_belong_to_the_namespace_of_the_release(Case values) throws Exception {
        assertThat(values.objects()).allSatisfy(object -> {
            var metadata = object.path("metadata");
            assertThat(metadata.path("namespace").asString()).isEqualTo("tools");
            assertThat(metadata.path("labels").propertyNames())
                    .contains(
                            "app.kubernetes.io/name",
                            "app.kubernetes.io/instance",
                            "app.kubernetes.io/component",
                            "app.kubernetes.io/version",
                            "app.kubernetes.io/managed-by",
                            "helm.sh/chart");
        });
        assertThat(values.objects())
                .doesNotHaveDuplicates()
                .extracting(ChartTest::address)
                .doesNotHaveDuplicates();
    }

    @ParameterizedTest
    @EnumSource
    void selectors_meet_the_pods_of_the_service_and_no_others(Case values) throws Exception {
        var objects = values.objects();
        var selectors = new ArrayList<JsonNode>();
        selectors.add(one(objects, "Deployment").at("/spec/selector/matchLabels"));
        selectors.add(one(objects, "Service").at("/spec/selector"));
        selectors.add(one(objects, "PodDisruptionBudget").at("/spec/selector/matchLabels"));
        one(objects, "Deployment")
                .at("/spec/template/spec/topologySpreadConstraints")
                .forEach(spread -> selectors.add(spread.at("/labelSelector/matchLabels")));
        if (values == Case.EVERYTHING) {
            selectors.add(one(objects, "NetworkPolicy").at("/spec/podSelector/matchLabels"));
            assertThat(pod(one(objects, "Job")).at("/metadata/labels").properties())
                    .as("pods of the migration")
                    .doesNotContainAnyElementsOf(List.of(Map.entry(
                            "app.kubernetes.io/component",
                            pod(one(objects, "Deployment"))
                                    .at("/metadata/labels")
                                    .path("app.kubernetes.io/component"))));
        }

        assertThat(selectors).hasSizeGreaterThan(4).allSatisfy(selector -> {
            assertThat(selector.propertyNames()).contains("app.kubernetes.io/component");
            assertThat(pod(one(objects, "Deployment")).at("/metadata/labels").properties())
                    .containsAll(selector.properties());
        });
    }

    @Test
    void whatever_leads_to_the_service_names_it_and_its_port() throws Exception {
        var objects = Case.EVERYTHING.objects();
        var service = one(objects, "Service");
        var name = service.at("/metadata/name").asString();
        var port = service.at("/spec/ports/0");

        var ingress = one(objects, "Ingress").at("/spec/rules/0/http/paths/0/backend/service");
        assertThat(ingress.path("name").asString()).isEqualTo(name);
        assertThat(ingress.at("/port/name")).isEqualTo(port.path("name"));
        var route = one(objects, "HTTPRoute").at("/spec/rules/0/backendRefs/0");
        assertThat(route.path("name").asString()).isEqualTo(name);
        assertThat(route.path("port")).isEqualTo(port.path("port"));
        var container = pod(one(objects, "Deployment")).at("/spec/containers/0");
        assertThat(port.path("targetPort")).isEqualTo(container.at("/ports/0/name"));
        assertThat(one(objects, "NetworkPolicy").at("/spec/ingress/0/ports/0/port"))
                .isEqualTo(container.at("/ports/0/name"));
        assertThat(variables(container))
                .containsEntry(
                        "SERVER_PORT", container.at("/ports/0/containerPort").asString());
    }

    /** The alerts look for a job of this name. */
    @Test
    void prometheus_finds_the_service_with_its_token_and_calls_the_job_lockkeeper() throws Exception {
        var objects = Case.EVERYTHING.objects();
        var monitor = one(objects, "ServiceMonitor").path("spec");
        var service = one(objects, "Service");

        assertThat(service.at("/metadata/labels").properties())
                .containsAll(monitor.at("/selector/matchLabels").properties());
        assertThat(service.at("/metadata/labels")
                        .path(monitor.path("jobLabel").asString())
                        .asString())
                .isEqualTo("lockkeeper");
        assertThat(monitor.at("/endpoints/0/port")).isEqualTo(service.at("/spec/ports/0/name"));
        assertThat(monitor.at("/endpoints/0/authorization/credentials").toString())
                .isEqualTo("{\"name\":\"lockkeeper-view\",\"key\":\"view-token\"}");
    }

    @Test
    void rules_and_dashboard_are_those_of_the_files() throws Exception {
        var objects = Case.EVERYTHING.objects();

        assertThat(one(objects, "PrometheusRule").path("spec")).isEqualTo(Chart.read("files/rules.yaml"));
        var dashboard = objects.stream()
                .filter(object -> object.at("/metadata/labels").has("grafana_dashboard"))
                .findFirst()
                .orElseThrow();
        assertThat(dashboard.path("data").path("lockkeeper.json").asString())
                .isEqualTo(Chart.text("files/dashboard.json"));
    }

    @ParameterizedTest
    @EnumSource
    void what_pods_refer_to_is_there_or_named_by_the_values(Case values) throws Exception {
        var objects = values.objects();
        var accounts = names(objects, "ServiceAccount");
        var configMaps = names(objects, "ConfigMap");
        for (var owner : pods(objects)) {
            var pod = pod(owner).path("spec");
            var container = pod.at("/containers/0");
            assertThat(pod.path("containers").size()).isEqualTo(1);
            var volumes = texts(pod.path("volumes"), "name");
            assertThat(volumes).doesNotHaveDuplicates().containsAll(texts(container.path("volumeMounts"), "name"));
            pod.path("volumes").forEach(volume -> {
                if (volume.has("configMap")) {
                    assertThat(Stream.concat(configMaps.stream(), Stream.of("company-ca")))
                            .contains(volume.at("/configMap/name").asString());
                }
            });
            if (pod.has("serviceAccountName")) {
                assertThat(accounts).contains(pod.path("serviceAccountName").asString());
            }
            assertThat(texts(container.path("env"), "name")).doesNotHaveDuplicates();
            for (var probe : List.of("startupProbe", "livenessProbe", "readinessProbe")) {
                if (container.has(probe)) {
                    assertThat(texts(container.path("ports"), "name"))
                            .contains(container.path(probe).at("/httpGet/port").asString());
                }
            }
        }
    }

    @Test
    void secrets_are_those_that_the_values_name() throws Exception {
        assertThat(variables(pod(one(Case.DEFAULTS.objects(), "Deployment")).at("/spec/containers/0")))
                .containsEntry("LOCKKEEPER_DATABASE_URL", "lockkeeper-database/url")
                .containsEntry("LOCKKEEPER_ADMIN_TOKEN", "lockkeeper/admin-token")
                .doesNotContainKeys(
                        "LOCKKEEPER_DATABASE_USER", "LOCKKEEPER_DATABASE_PASSWORD", "LOCKKEEPER_DATABASE_LISTEN_URL");
        assertThat(variables(pod(one(Case.EVERYTHING.objects(), "Deployment")).at("/spec/containers/0")))
                .containsEntry("LOCKKEEPER_DATABASE_URL", "lockkeeper-db-app/uri")
                .containsEntry("LOCKKEEPER_DATABASE_USER", "lockkeeper-db-app/username")
                .containsEntry("LOCKKEEPER_DATABASE_PASSWORD", "lockkeeper-db-app/password")
                .containsEntry("LOCKKEEPER_DATABASE_LISTEN_URL", "lockkeeper-db-app/direct-uri")
                .containsEntry("LOCKKEEPER_ADMIN_TOKEN", "lockkeeper-secrets/token")
                .containsEntry("LOCKKEEPER_LOCK_TOKEN_KEYS", "lockkeeper-secrets/lock-token-keys")
                .containsEntry("LOCKKEEPER_WEBHOOKS_ROBOT_SECRET", "lockkeeper-secrets/robot-secret");
        assertThat(variables(pod(one(Case.EVERYTHING.objects(), "Job")).at("/spec/containers/0")))
                .containsEntry("LOCKKEEPER_DATABASE_URL", "lockkeeper-db-owner/uri")
                .containsEntry("LOCKKEEPER_DATABASE_USER", "lockkeeper-db-owner/username")
                .doesNotContainKey("LOCKKEEPER_ADMIN_TOKEN");
    }

    /** Kubernetes' Pod Security Standards, "restricted", and what goes beyond them. */
    @ParameterizedTest
    @EnumSource
    void pods_are_restricted(Case values) throws Exception {
        assertThat(pods(values.objects())).isNotEmpty().allSatisfy(owner -> {
            var pod = pod(owner).path("spec");
            assertThat(pod.path("securityContext").toString())
                    .isEqualTo("{\"runAsNonRoot\":true,\"runAsUser\":10001,\"runAsGroup\":10001,\"fsGroup\":10001,"
                            + "\"seccompProfile\":{\"type\":\"RuntimeDefault\"}}");
            assertThat(pod.at("/containers/0/securityContext").toString())
                    .isEqualTo("{\"allowPrivilegeEscalation\":false,\"readOnlyRootFilesystem\":true,"
                            + "\"capabilities\":{\"drop\":[\"ALL\"]}}");
            assertThat(pod.path("automountServiceAccountToken").asBoolean(true)).isFalse();
            // A service called lockkeeper-oidc would make a variable LOCKKEEPER_OIDC_PORT, and the start would be
            // refused.
            assertThat(pod.path("enableServiceLinks").asBoolean(true)).isFalse();
        });
    }

    /** YAML takes {@code on} for a truth value and {@code 1e3} for a number, and templates print long numbers with an exponent. */
    @Test
    void names_stay_texts_and_numbers_stay_numbers_whatever_they_look_like() throws Exception {
        var rendering = Chart.render("""
                image: {digest: ''}
                database: {secretName: "1e3", urlKey: "on"}
                secret: {name: "123", adminTokenKey: "null", env: {"NO": "0x1f"}}
                runAsUser: 1000650000
                priorityClassName: "off"
                ingress: {enabled: true, className: "1.5", host: "1e3", tlsSecretName: "123"}
                migrationJob: {enabled: true, secretName: "456"}
                fullnameOverride: "yes"
                """);

        for (var object : Chart.objects(rendering)) {
            readStrictly(object.path("apiVersion").asString(), kind(object), object);
        }
        assertThat(rendering).containsPattern("runAsUser: 1000650000\n");
    }

    @Test
    void platform_may_choose_the_user() {
        var pod = pod(one(Chart.objects(Chart.render("runAsUser: null")), "Deployment"));

        assertThat(pod.at("/spec/securityContext").propertyNames())
                .containsExactlyInAnyOrder("runAsNonRoot", "seccompProfile");
    }

    @ParameterizedTest
    @ValueSource(ints = {30, 45, 600})
    void pod_is_killed_only_after_it_has_had_time_to_go(int grace) {
        var pod = pod(one(Chart.objects(Chart.render("terminationGracePeriodSeconds: " + grace)), "Deployment"))
                .path("spec");
        var container = pod.at("/containers/0");
        int drain = Integer.parseInt(variables(container).getOrDefault("LOCKKEEPER_SHUTDOWN_DRAIN_SECONDS", "0"));
        String answering = variables(container).getOrDefault("SPRING_LIFECYCLE_TIMEOUT_PER_SHUTDOWN_PHASE", "");

        assertThat(pod.path("terminationGracePeriodSeconds").asInt()).isEqualTo(grace);
        assertThat(answering).matches("[1-9][0-9]*s");
        assertThat(drain).isPositive();
        assertThat(drain + Integer.parseInt(answering.replace("s", ""))).isLessThan(grace);
    }

    @Test
    void upgrade_takes_no_replica_away_before_its_successor_is_ready() throws Exception {
        var deployment = one(Case.DEFAULTS.objects(), "Deployment").path("spec");

        assertThat(deployment.path("replicas").asInt()).isEqualTo(2);
        assertThat(deployment.at("/strategy/rollingUpdate").toString())
                .isEqualTo("{\"maxUnavailable\":0,\"maxSurge\":1}");
    }

    @Test
    void pods_are_replaced_when_the_configuration_changes_and_only_then() {
        var before = template("");

        assertThat(template("config: {lockkeeper: {queue: {presence-seconds: 300}}}"))
                .isNotEqualTo(before);
        assertThat(template("serviceMonitor: {enabled: true}\nreplicas: 5\ningress: {enabled: true, host: a.example}"))
                .isEqualTo(before);
    }

    private static JsonNode template(String values) {
        return pod(one(Chart.objects(Chart.render(values)), "Deployment"));
    }

    @ParameterizedTest
    @EnumSource
    void notes_name_the_secrets_that_pods_wait_for(Case values) throws Exception {
        var notes = Chart.notes(values.given());

        var container = pod(one(values.objects(), "Deployment")).at("/spec/containers/0");
        variables(container).values().stream()
                .filter(value -> value.matches("lockkeeper[a-z-]*/.+"))
                .map(reference -> reference.split("/", 2))
                .forEach(reference -> assertThat(notes)
                        .contains("kubectl -n tools create secret generic " + reference[0] + " \\\n")
                        .contains("--from-literal=" + reference[1] + "="));
        assertThat(notes)
                .contains("rollout status deployment/"
                        + one(values.objects(), "Deployment")
                                .at("/metadata/name")
                                .asString());
    }

    private static List<JsonNode> pods(List<JsonNode> objects) {
        return objects.stream()
                .filter(object -> Set.of("Deployment", "Job").contains(kind(object)))
                .toList();
    }

    private static JsonNode pod(JsonNode owner) {
        return owner.at("/spec/template");
    }

    /** Each variable with its value, or with {@code secret/key}. */
    private static Map<String, String> variables(JsonNode container) {
        return container
                .path("env")
                .valueStream()
                .collect(Collectors.toMap(variable -> variable.path("name").asString(), variable -> {
                    var secret = variable.at("/valueFrom/secretKeyRef");
                    return secret.isObject()
                            ? secret.path("name").asString() + "/"
                                    + secret.path("key").asString()
                            : variable.path("value").asString("");
                }));
    }

    private static JsonNode one(List<JsonNode> objects, String kind) {
        Predicate<JsonNode> wanted = object -> kind(object).equals(kind);
        assertThat(objects).filteredOn(wanted).as(kind).hasSize(1);
        return objects.stream().filter(wanted).findFirst().orElseThrow();
    }

    private static List<String> names(List<JsonNode> objects, String kind) {
        return objects.stream()
                .filter(object -> kind(object).equals(kind))
                .map(object -> object.at("/metadata/name").asString())
                .toList();
    }

    private static List<String> texts(JsonNode list, String field) {
        return list.valueStream().map(one -> one.path(field).asString()).toList();
    }

    private static String kind(JsonNode object) {
        return object.path("kind").asString();
    }

    private static String address(JsonNode object) {
        return kind(object) + "/" + object.at("/metadata/name").asString();
    }
}
