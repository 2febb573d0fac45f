package io.lockkeeper.webhook;

import io.lockkeeper.event.Event;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Puts events into the form of a webhook. */
final class Messages {
    static final String TEST = "test";

    private final JsonMapper json;

    Messages(JsonMapper json) {
        this.json = json;
    }

    /**
     * An event's message.
     *
     * @param runUrl the page of its run in CI, for those events that do not say it themselves
     */
    Message of(Event event, Webhook.Format format, @Nullable String runUrl) {
        JsonNode said = json.readTree(event.data());
        String id = event.id().toString();
        return switch (format) {
            case JSON -> {
                var data = new LinkedHashMap<String, @Nullable Object>();
                data.put(
                        "environment",
                        event.environments().isEmpty()
                                ? null
                                : event.environments().getFirst());
                data.put("environments", event.environments());
                data.put("run_id", event.runId());
                said.properties().forEach(member -> data.putIfAbsent(member.getKey(), member.getValue()));
                yield json(id, event.type(), event.at(), data);
            }
            case SLACK -> slack(id, SlackText.of(event, said, runUrl));
        };
    }

    /** A message that tells of nothing. */
    Message test(String id, Instant at, String webhook, String by, Webhook.Format format) {
        return switch (format) {
            case JSON -> json(id, TEST, at, Map.of("webhook", webhook, "actor", by));
            case SLACK -> slack(id, SlackText.ofTest(webhook, by));
        };
    }

    /** The payload of Standard Webhooks. */
    private Message json(String id, String type, Instant at, Map<String, ?> data) {
        var members = new LinkedHashMap<String, Object>();
        members.put("type", type);
        members.put("timestamp", at);
        members.put("data", data);
        return new Message(id, json.writeValueAsString(members));
    }

    private Message slack(String id, String text) {
        return new Message(id, json.writeValueAsString(Map.of("text", text)));
    }

    /** Whether the message of an event has a link to CI that the event itself does not say. */
    static boolean needsRunUrl(Webhook.Format format, Event event) {
        return format == Webhook.Format.SLACK
                && event.runId() != null
                && !event.data().contains("\"run_url\"");
    }

    /** The runs whose pages have to be looked up for these events. */
    static List<Long> runsToLookUp(Webhook webhook, List<Event> events) {
        return events.stream()
                .filter(webhook::wants)
                .filter(event -> needsRunUrl(webhook.format(), event))
                .map(Event::runId)
                .filter(Objects::nonNull)
                .distinct()
                .toList();
    }
}
