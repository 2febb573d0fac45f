package io.lockkeeper.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.ServiceProcess;
import io.lockkeeper.TestDatabase;
import io.lockkeeper.service.Api.Answer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What the service logs of its runs, for people and for log collectors. */
class LogIT {
    private static final String LOGGER = "TransitionLog";

    @Test
    void line_for_people_is_one_sentence() {
        try (ServiceProcess process = ServiceProcess.start(ServiceProcess.QUIETLY)) {
            live(new Api(process.url(), process.adminToken()));
            process.stop();

            List<String> sentences = process.log()
                    .lines()
                    .filter(line -> line.contains(LOGGER))
                    .map(line -> withoutTimes(line.replaceFirst(".*" + LOGGER + "\\s+: ", "")))
                    .toList();
            assertThat(sentences)
                    .containsExactly(
                            "granted run 1 in production (fencing token 1) to alice",
                            "queued run 2 in production for bob",
                            "queued run 3 in production for carol",
                            "skipped run 4 in production for admin: enough runs are pending and run 3, queued last, will deploy this"
                                    + " change",
                            "run 1 in production ended as success: released by its client",
                            "granted run 2 in production (fencing token 2) to bob",
                            "run 2 in production ended as preempted: force-released by admin: it hangs since noon",
                            "granted run 3 in production (fencing token 3) to carol",
                            "asked run 3 in production to stop: cancelled by admin",
                            "run 3 in production ended as cancelled: released by its client, which was asked to stop:"
                                    + " cancelled by admin",
                            "frozen in production by admin: incident 12");
        }
    }

    @Test
    void line_for_collectors_has_the_same_facts_as_fields() {
        try (ServiceProcess process = ServiceProcess.startOn(
                TestDatabase.migrated(),
                Map.of("LOGGING_STRUCTURED_FORMAT_CONSOLE", "ecs", "LOGGING_LEVEL_ROOT", "info"))) {
            live(new Api(process.url(), process.adminToken()));
            process.stop();

            JsonMapper json = new JsonMapper();
            List<JsonNode> lines = process.log().lines().map(json::readTree).toList();
            List<JsonNode> ours = lines.stream()
                    .filter(line -> line.path("log").path("logger").asString().endsWith(LOGGER))
                    .toList();

            assertThat(ours)
                    .extracting(line -> line.path("event").path("action").asString())
                    .containsExactly(
                            "granted",
                            "queued",
                            "queued",
                            "skipped",
                            "released",
                            "granted",
                            "force_released",
                            "granted",
                            "cancel_requested",
                            "released",
                            "frozen");
            JsonNode granted = ours.get(5);
            assertThat(withoutTimes(granted.path("message").asString()))
                    .isEqualTo("granted run 2 in production (fencing token 2) to bob");
            assertThat(granted.path("service").path("name").asString()).isEqualTo("lockkeeper");
            JsonNode facts = granted.path("lockkeeper");
            assertThat(facts.propertyNames())
                    .containsExactlyInAnyOrder(
                            "at",
                            "environments",
                            "actor",
                            "run_id",
                            "lock_groups",
                            "status",
                            "fencing_token",
                            "wait_seconds");
            assertThat(facts.path("run_id").asLong()).isEqualTo(2);
            assertThat(texts(facts.path("environments"))).containsExactly("production");
            assertThat(texts(facts.path("lock_groups"))).containsExactly("production");
            assertThat(facts.path("fencing_token").asLong()).isEqualTo(2);
            assertThat(facts.path("actor").asString()).isEqualTo("lockkeeper");
            assertThat(facts.path("status").asString()).isEqualTo("in_progress");
            assertThat(facts.path("wait_seconds").isIntegralNumber()).isTrue();
            JsonNode preempted = ours.get(6).path("lockkeeper");
            assertThat(preempted.path("actor").asString()).isEqualTo("admin");
            assertThat(preempted.path("reason").asString()).isEqualTo("force-released by admin: it hangs since noon");
            assertThat(preempted.path("duration_seconds").isIntegralNumber()).isTrue();
            assertThat(ours.getLast().path("lockkeeper").path("reason").asString())
                    .isEqualTo("incident 12");
        }
    }

    /** How long it took is not a test's to say, but that it is said. */
    private static String withoutTimes(String sentence) {
        if (sentence.contains("ended as")) {
            assertThat(sentence).containsPattern(" after \\d+ s: ");
        }
        return sentence.replaceFirst(" after \\d+ s", "");
    }

    private static List<String> texts(JsonNode list) {
        List<String> texts = new ArrayList<>();
        list.forEach(text -> texts.add(text.asString()));
        return texts;
    }

    /** A short history with one of each kind of line. */
    private static void live(Api api) {
        Answer first = api.acquire("production", "{\"user\": \"alice\", \"ref\": \"main\"}");
        Answer second = api.acquire("production", "{\"user\": \"bob\", \"ref\": \"main\"}");
        Answer third = api.acquire("production", "{\"user\": \"carol\", \"ref\": \"main\", \"coverage\": \"latest\"}");
        assertThat(api.acquire("production", "{\"ref\": \"main\"}").outcome()).isEqualTo("skipped");
        api.heartbeat(first);
        assertThat(api.acquire("production", "{\"mode\": \"fail_fast\"}").status())
                .isEqualTo(409);
        api.release(first);
        assertThat(api.await(second, 10).outcome()).isEqualTo("granted");
        assertThat(api.call(
                                "POST",
                                "/api/admin/environments/production/force-release",
                                "{\"confirm\": \"production\", \"fencing_token\": 2, \"even_if_alive\": true,"
                                        + " \"reason\": \"it hangs since noon\"}")
                        .status())
                .isEqualTo(200);
        assertThat(api.await(third, 10).outcome()).isEqualTo("granted");
        api.call("POST", "/api/runs/" + third.runId() + "/cancel", null);
        api.release(third, "{\"status\": \"cancelled\"}");
        assertThat(api.call("PUT", "/api/admin/environments/production/freeze", "{\"reason\": \"incident 12\"}")
                        .status())
                .isEqualTo(200);
    }
}
