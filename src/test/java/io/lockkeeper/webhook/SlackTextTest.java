package io.lockkeeper.webhook;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.event.Event;
import io.lockkeeper.event.EventId;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.json.JsonMapper;

/** What a chat says of an event. */
class SlackTextTest {
    private static final JsonMapper JSON = new JsonMapper();

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            quoteCharacter = '`',
            value = {
                "queued ~ {\"user\":\"alice\",\"sha\":\"4f2c9e0a1b7d5c3e\",\"title\":\"Faster login\"} ~ *production*: run 42 (alice, 4f2c9e0a1b7d, \"Faster login\") is queued",
                "awaiting_approval ~ {\"user\":\"alice\"} ~ *production*: run 42 (alice) waits for an approval",
                "granted ~ {\"run_url\":\"https://ci.example/42?a=1&b=2\"} ~ *production*: run 42 may deploy (<https://ci.example/42?a=1&amp;b=2|CI run>)",
                "released ~ {\"status\":\"success\"} ~ *production*: run 42 has deployed",
                "released ~ {\"status\":\"failure\"} ~ *production*: run 42 has failed",
                "released ~ {\"status\":\"cancelled\",\"reason\":\"released by its client\"} ~ *production*: run 42 was stopped: released by its client",
                "granted ~ {\"deployment\":false,\"title\":\"terraform plan\"} ~ *production*: run 42 (\"terraform plan\") holds the lock",
                "released ~ {\"deployment\":false,\"status\":\"success\"} ~ *production*: run 42 has given the lock back",
                "skipped ~ {\"covered\":true,\"batched_into\":43} ~ *production*: run 42 is skipped: run 43 deploys its change",
                "skipped ~ {\"covered\":false,\"batched_into\":43} ~ *production*: run 42 is skipped for run 43, which does not promise to deploy its change",
                "shipped ~ {\"shipped_by\":43,\"sha\":\"4f2c9e0\"} ~ *production*: the change of run 42 (4f2c9e0) was deployed by run 43",
                "undeployed ~ {\"sha\":\"4f2c9e0\"} ~ *production*: the change of run 42 (4f2c9e0) is not deployed: the run that was to cover it has not done so",
                "expired ~ {} ~ *production*: run 42 is an orphan: its lease ran out",
                "force_released ~ {\"reason\":\"force-released by bob: stuck\"} ~ *production*: run 42 lost the lock: force-released by bob: stuck",
                "quarantined ~ {\"reason\":\"run 42 ended as failure\"} ~ *production*: in quarantine, until somebody acknowledges it: run 42 ended as failure",
                "frozen ~ {\"actor\":\"alice\",\"reason\":\"Friday\",\"after\":{\"until\":\"2026-11-23T08:00:00Z\"}} ~ *production*: frozen by alice until 2026-11-23T08:00:00Z: Friday",
                "unfrozen ~ {\"actor\":\"alice\"} ~ *production*: no longer frozen by alice",
                "prioritized ~ {\"actor\":\"alice\",\"reason\":\"hotfix\"} ~ *production*: prioritized: run 42 by alice: hotfix",
                "of_a_later_version ~ {} ~ *production*: of a later version: run 42",
            })
    void event_is_one_readable_line(String type, String data, String text) {
        assertThat(text(type, data, null)).isEqualTo(text);
    }

    @Test
    void every_known_type_makes_a_line() {
        assertThat(EventTypes.KNOWN)
                .allSatisfy(type -> assertThat(text(type, "{}", null))
                        .startsWith("*production*: ")
                        .doesNotContain("null", "\n")
                        .hasSizeGreaterThan("*production*: ".length()));
    }

    @Test
    void run_is_linked_by_what_is_looked_up_when_the_event_does_not_say_it() {
        assertThat(text("shipped", "{\"shipped_by\":43}", "https://ci.example/42"))
                .isEqualTo(
                        "*production*: the change of run 42 was deployed by run 43 (<https://ci.example/42|CI run>)");
    }

    @Test
    void what_people_wrote_mentions_nobody_links_nothing_and_stays_on_one_line() {
        String text = text(
                "queued",
                "{\"user\":\"<!channel>\",\"title\":\"a & b\\n<https://evil.example|click>\\u2028c\",\"run_url\":\"javascript:alert(1)\"}",
                null);

        assertThat(text)
                .isEqualTo(
                        "*production*: run 42 (&lt;!channel&gt;, \"a &amp; b &lt;https://evil.example|click&gt; c\") is queued");
    }

    @Test
    void long_words_are_cut() {
        assertThat(text("queued", "{\"title\":\"" + "x".repeat(500) + "\"}", null))
                .hasSizeLessThan(400);
    }

    private static String text(String type, String data, @Nullable String runUrl) {
        var event = new Event(new EventId(771, 42), Instant.EPOCH, type, List.of("production"), 42L, data);
        return SlackText.of(event, JSON.readTree(data), runUrl);
    }
}
