package io.lockkeeper.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.ServiceProcess;
import io.lockkeeper.TestDatabase;
import io.lockkeeper.helm.Chart;
import io.lockkeeper.security.TestIssuer;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** The packaged service with what the chart gives its pods: the file of the config map, the variables, the probes. */
class ChartIT {
    private static final Path EVERYTHING = Path.of("src/test/resources/helm/everything.values.yaml");

    private static final Map<String, String> SECRETS = Map.of(
            "LOCKKEEPER_LOCK_TOKEN_KEYS", "0123456789abcdef0123456789abcdef",
            "LOCKKEEPER_TERRAFORM_STATE_KEYS", "fedcba9876543210fedcba9876543210",
            "LOCKKEEPER_LOGIN_OIDC_CLIENT_SECRET", "the-secret-of-the-client",
            "LOCKKEEPER_WEBHOOKS_CHAT_URL", "http://localhost:9/chat",
            "LOCKKEEPER_WEBHOOKS_ROBOT_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");

    @TempDir
    private Path mounted;

    @Test
    void service_starts_with_the_configuration_that_the_chart_renders() throws Exception {
        try (var issuer = new TestIssuer();
                var service = start(Files.readString(EVERYTHING)
                        .replace("https://ci.example.com/oidc/keys", issuer.jwkSetUri())
                        .replace("https://ci.example.com/oidc", issuer.uri())
                        .replace("audience: lockkeeper", "audience: " + TestIssuer.AUDIENCE))) {
            var api = new Api(service.url(), service.adminToken());

            var environments =
                    api.call("GET", "/api/admin/environments", null).json().path("items");
            assertThat(environments
                            .valueStream()
                            .map(environment -> environment.path("environment").asString()))
                    .containsExactlyInAnyOrder("preprod", "production", "production-auto", "shop.web_2");
            assertThat(environments
                            .valueStream()
                            .filter(environment ->
                                    environment.path("environment").asString().equals("production")))
                    .singleElement()
                    .satisfies(production -> {
                        assertThat(production.toString()).contains("\"approval_timeout_seconds\":2592000");
                        assertThat(production.toString()).contains("\"lock_group\":\"deploy-production\"");
                    });
            assertThat(api.acquire("nowhere", "{}").code()).isEqualTo("environment-unknown");
            assertThat(api.call("GET", "/api/admin/webhooks", null)
                            .json()
                            .at("/items/0/name")
                            .asString())
                    .isEqualTo("chat");
            assertThat(get(service, "/login").body()).contains("Log in with Shop&#39;s accounts");
            var token = issuer.token(Map.of("project", "shop/web", "protected", true));
            assertThat(new Api(service.url(), token)
                            .call("GET", "/api/environments/production/lock", null)
                            .status())
                    .isEqualTo(200);
        }
    }

    @Test
    void probes_and_prometheus_ask_what_the_service_answers() throws Exception {
        var deployment = object(Chart.render(Files.readString(EVERYTHING)), "Deployment");
        var monitor = object(Chart.render(Files.readString(EVERYTHING)), "ServiceMonitor");
        try (var service = start("")) {
            for (var probe : new String[] {"startupProbe", "livenessProbe", "readinessProbe"}) {
                var path = deployment
                        .at("/spec/template/spec/containers/0/" + probe + "/httpGet/path")
                        .asString();
                assertThat(get(service, path).body()).as(probe).isEqualTo("{\"status\":\"UP\"}");
            }
            assertThat(new Api(service.url(), service.adminToken())
                            .call("GET", monitor.at("/spec/endpoints/0/path").asString(), null)
                            .text())
                    .contains("lockkeeper_queue_length");
        }
    }

    /** Behind the proxy of a cluster, a browser that came over TLS gets a cookie for TLS only. */
    @Test
    void headers_of_a_proxy_are_believed() throws Exception {
        try (var service = start("")) {
            var page =
                    get(service, "/login", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "lockkeeper.example.com");

            assertThat(page.headers().allValues("Set-Cookie"))
                    .isNotEmpty()
                    .allSatisfy(cookie -> assertThat(cookie).contains("; Secure"));
        }
    }

    private ServiceProcess start(String values) throws Exception {
        var rendering = Chart.render(values);
        Files.writeString(
                mounted.resolve("application.yaml"),
                object(rendering, "ConfigMap")
                        .at("/data")
                        .path("application.yaml")
                        .asString());
        Map<String, String> variables = new HashMap<>();
        object(rendering, "Deployment")
                .at("/spec/template/spec/containers/0/env")
                .forEach(variable -> {
                    var name = variable.path("name").asString();
                    if (SECRETS.containsKey(name)) {
                        variables.put(name, SECRETS.get(name));
                    } else if (variable.has("value") && !name.equals("JAVA_TOOL_OPTIONS")) {
                        variables.put(
                                name, variable.path("value").asString().replace("/etc/lockkeeper/", mounted + "/"));
                    }
                });
        assertThat(variables.get("SPRING_CONFIG_ADDITIONAL_LOCATION")).isEqualTo("file:" + mounted + "/");
        return ServiceProcess.startOn(TestDatabase.migrated(), variables);
    }

    /** The first of its kind. */
    private static JsonNode object(String rendering, String kind) {
        return Chart.objects(rendering).stream()
                .filter(object -> object.path("kind").asString().equals(kind))
                .findFirst()
                .orElseThrow();
    }

    private static HttpResponse<String> get(ServiceProcess service, String path, String... headers) throws Exception {
        var request = HttpRequest.newBuilder(service.url().resolve(URI.create(path)));
        if (headers.length > 0) {
            request.headers(headers);
        }
        try (var http = HttpClient.newHttpClient()) {
            return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
        }
    }
}
