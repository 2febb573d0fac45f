package io.lockkeeper.service;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import io.lockkeeper.ServiceProcess;
import io.lockkeeper.service.Api.Answer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** The status in each state of an environment, against the schema that scripts may rely on. */
class DeploymentStatusIT {
    private static final AtomicInteger COUNT = new AtomicInteger();

    private final Api api = SharedService.API;
    private final String environment = "status-" + COUNT.incrementAndGet();
    private final Schema schema = schema();

    @Test
    void default_environment_is_free_and_empty_before_anybody_used_it() {
        try (ServiceProcess fresh = ServiceProcess.start()) {
            Api untouched = new Api(fresh.url(), fresh.adminToken());
            JsonNode status = valid(untouched.call("GET", "/api/admin/deployment-status", null));

            assertThat(status.path("environment").asString()).isEqualTo("production");
            assertThat(status.path("lock").path("status").asString()).isEqualTo("unlocked");
            assertThat(status.path("lock").path("holder").isNull()).isTrue();
            assertThat(status.path("queue").toString()).isEqualTo("{\"length\":0,\"runs\":[]}");
            assertThat(status.path("last_deployment").isNull()).isTrue();
            assertThat(status.path("health").path("status").asString()).isEqualTo("healthy");
            assertThat(status.path("environments").isEmpty()).isTrue();
        }
    }

    @Test
    void locked_environment_shows_its_holder_first_and_the_queue_in_order() {
        Answer holder = api.acquire(
                environment, "{\"pid\":12345,\"user\":\"root\",\"command\":\"docker compose up -d nextjs\"}");
        Answer queued = api.acquire(environment, "{}");
        Answer first = api.acquire(environment, "{\"priority\":\"high\"}");

        JsonNode status = valid(api.status(environment));

        JsonNode shown = status.path("lock").path("holder");
        assertThat(status.path("lock").path("status").asString()).isEqualTo("locked");
        assertThat(shown.path("pid").asInt()).isEqualTo(12345);
        assertThat(shown.path("user").asString()).isEqualTo("root");
        assertThat(shown.path("command").asString()).isEqualTo("docker compose up -d nextjs");
        assertThat(status.path("queue").path("length").asInt()).isEqualTo(3);
        assertThat(status.path("queue")
                        .path("runs")
                        .valueStream()
                        .map(run -> run.path("id").asLong()))
                .containsExactly(holder.runId(), first.runId(), queued.runId());
        assertThat(status.path("last_deployment").isNull()).isTrue();
    }

    @Test
    void holder_that_said_nothing_of_itself_is_shown_all_the_same() {
        api.acquire(environment, "{}");

        assertThat(valid(api.status(environment))
                        .path("lock")
                        .path("holder")
                        .path("pid")
                        .isNull())
                .isTrue();
    }

    @Test
    void last_deployment_is_the_last_that_ended_however_it_ended() {
        Answer success = api.acquire(environment, "{\"sha\":\"a1b2c3d\",\"tier\":\"1-lightning\"}");
        api.release(success);
        JsonNode last = valid(api.status(environment)).path("last_deployment");
        assertThat(last.path("sha").asString()).isEqualTo("a1b2c3d");
        assertThat(last.path("status").asString()).isEqualTo("success");
        assertThat(last.path("tier").asString()).isEqualTo("1-lightning");

        Answer failure = api.acquire(environment, "{\"sha\":\"e4f5a6b\"}");
        api.release(failure, "{\"status\":\"failure\"}");
        last = valid(api.status(environment)).path("last_deployment");
        assertThat(last.path("sha").asString()).isEqualTo("e4f5a6b");
        assertThat(last.path("status").asString()).isEqualTo("failure");
    }

    @Test
    void change_that_was_skipped_for_a_pinned_run_is_listed_until_it_is_deployed() {
        Answer holder = api.acquire(environment, "{}");
        api.acquire(environment, "{}");
        Answer pinned = api.acquire(environment, "{\"sha\":\"c\"}");
        Answer skipped = api.acquire(environment, "{\"sha\":\"d\"}");

        JsonNode undeployed = valid(api.status(environment)).path("undeployed");
        assertThat(skipped.json().path("covered").asBoolean()).isFalse();
        assertThat(undeployed.size()).isEqualTo(1);
        assertThat(undeployed.get(0).path("sha").asString()).isEqualTo("d");
        assertThat(undeployed.get(0).path("batched_into").asLong()).isEqualTo(pinned.runId());

        api.release(holder, "{\"deployed_sha\":\"d\"}");
        assertThat(valid(api.status(environment)).path("undeployed").isEmpty()).isTrue();
        assertThat(api.look(skipped.runId()).json().path("shipped_by").asLong()).isEqualTo(holder.runId());
    }

    private JsonNode valid(Answer status) {
        assertThat(status.status()).isEqualTo(200);
        assertThat(schema.validate(status.text(), InputFormat.JSON)).isEmpty();
        return status.json();
    }

    private static Schema schema() {
        try {
            return SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
                    .getSchema(Files.readString(Path.of("docs", "deployment-status.schema.json")));
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
