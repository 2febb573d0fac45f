package io.lockkeeper.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lockkeeper.ServiceProcess;
import io.lockkeeper.service.Api.Answer;
import io.lockkeeper.webhook.TestReceiver;
import io.lockkeeper.webhook.TestReceiver.Request;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Traces are made when somebody says where they go. */
class TracingIT {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @Test
    void requests_are_told_to_the_collector_with_their_environment_and_run_and_no_secret() {
        try (var collector = new TestReceiver();
                var process = ServiceProcess.start("--lockkeeper.tracing.endpoint=" + collector.url("/v1/traces"))) {
            Api api = new Api(process.url(), process.adminToken());
            Answer acquired = api.acquire("shop-web", "{\"title\": \"hush\"}");
            api.heartbeat(acquired);
            api.release(acquired);

            // OTLP is protobuf, in which texts are what they are.
            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(told(collector))
                            .contains(
                                    "lockkeeper",
                                    "http post /api/environments/{environment}/acquire",
                                    "http post /api/runs/{id}/heartbeat",
                                    "http post /api/runs/{id}/release",
                                    "lockkeeper.environment",
                                    "shop-web",
                                    "lockkeeper.id"));
            assertThat(collector.asked()).extracting(Request::target).containsOnly("/v1/traces");
            assertThat(told(collector)).doesNotContain("hush", process.adminToken(), acquired.lockToken());
        }
    }

    @Test
    void nothing_of_tracing_is_there_when_nobody_wants_it() throws Exception {
        try (var process = ServiceProcess.start(ServiceProcess.QUIETLY)) {
            Api api = new Api(process.url(), process.adminToken());
            api.release(api.acquire("shop-web", "{}"));

            assertThat(histogram(process))
                    .contains("io.lockkeeper.")
                    .doesNotContain(" io.opentelemetry.", " io.micrometer.tracing.");
            assertThat(process.log().toLowerCase(Locale.ROOT)).doesNotContain("opentelemetry", "otlp", "tracing");
        }
    }

    /** Every class of which there is an object. */
    private static String histogram(ServiceProcess process) throws IOException, InterruptedException {
        Process jcmd = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                        Long.toString(process.handle().pid()),
                        "GC.class_histogram",
                        "-all")
                .redirectErrorStream(true)
                .start();
        String text = new String(jcmd.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(jcmd.waitFor()).as(text).isZero();
        return text;
    }

    private static String told(TestReceiver collector) {
        return collector.asked().stream().map(Request::body).collect(Collectors.joining());
    }
}
