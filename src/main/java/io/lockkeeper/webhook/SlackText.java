package io.lockkeeper.webhook;

import io.lockkeeper.event.Event;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * One line for a chat, with Slack's links and escapes, which Mattermost and Rocket.Chat read as well. What people wrote may mention nobody
 * and make no link of its own: Slack's control characters are escaped in all of it.
 */
final class SlackText {
    private static final int SHORT_SHA = 12;
    private static final int MOST_CHARACTERS = 300;

    private SlackText() {}

    static String of(Event event, JsonNode data, @Nullable String runUrl) {
        String where = event.environments().isEmpty() ? "" : "*" + String.join(", ", event.environments()) + "*: ";
        String link = link(text(data, "run_url", runUrl));
        return where + sentence(event, data) + (link.isEmpty() ? "" : " (" + link + ")");
    }

    static String ofTest(String webhook, String by) {
        return "Lockkeeper can reach this place: a test of its webhook " + escaped(webhook) + " by " + escaped(by)
                + ".";
    }

    private static String sentence(Event event, JsonNode data) {
        String run = "run " + event.runId();
        return switch (event.type()) {
            case "awaiting_approval" -> run + of(data) + " waits for an approval";
            case "queued" -> run + of(data) + " is queued";
            case "granted" -> run + of(data) + (isDeployment(data) ? " may deploy" : " holds the lock");
            case "released" ->
                switch (text(data, "status", "")) {
                    case "success" ->
                        run + of(data) + (isDeployment(data) ? " has deployed" : " has given the lock back");
                    case "failure" -> run + of(data) + " has failed";
                    default -> run + of(data) + " was stopped" + reason(data);
                };
            case "skipped" ->
                run
                        + of(data)
                        + (data.path("covered").asBoolean(false)
                                ? " is skipped: run " + number(data, "batched_into") + " deploys its change"
                                : " is skipped for run " + number(data, "batched_into")
                                        + ", which does not promise to deploy its change");
            case "shipped" -> "the change of " + run + sha(data) + " was deployed by run " + number(data, "shipped_by");
            case "undeployed" ->
                "the change of " + run + sha(data) + " is not deployed: the run that was to cover it has not done so";
            case "cancel_requested" -> run + " is asked to stop" + reason(data);
            case "cancelled" -> run + of(data) + " left the queue" + reason(data);
            case "timed_out" -> run + of(data) + " waited too long" + reason(data);
            case "abandoned" -> run + of(data) + " is abandoned" + reason(data);
            case "expired" -> run + of(data) + " is an orphan: its lease ran out";
            case "force_released" -> run + of(data) + " lost the lock" + reason(data);
            case "rejected" -> run + of(data) + " is rejected" + reason(data);
            case "superseded" -> run + of(data) + " is superseded by run " + number(data, "superseded_by");
            case "frozen" -> "frozen" + by(data) + until(data) + reason(data);
            case "unfrozen" -> "no longer frozen" + by(data) + reason(data);
            case "frozen_all" -> "*all environments*: frozen" + by(data) + until(data) + reason(data);
            case "unfrozen_all" -> "*all environments*: no longer frozen" + by(data) + reason(data);
            case "quarantined" -> "in quarantine, until somebody acknowledges it" + reason(data);
            default ->
                event.type().replace('_', ' ') + (event.runId() == null ? "" : ": " + run) + by(data) + reason(data);
        };
    }

    /** A lock of another tool, such as Terraform, deploys nothing that anybody knows of. */
    private static boolean isDeployment(JsonNode data) {
        return data.path("deployment").asBoolean(true);
    }

    /** Whose run and what it deploys: {@code (alice, 4f2c9e0, "Faster login")}. */
    private static String of(JsonNode data) {
        String user = text(data, "user", "");
        String sha = text(data, "sha", "");
        String title = text(data, "title", "");
        String all = String.join(
                ", ",
                Stream.of(
                                user,
                                sha.substring(0, Math.min(SHORT_SHA, sha.length())),
                                title.isEmpty() ? "" : "\"" + title + "\"")
                        .filter(part -> !part.isEmpty())
                        .toList());
        return all.isEmpty() ? "" : " (" + escaped(all) + ")";
    }

    private static String sha(JsonNode data) {
        String sha = text(data, "sha", "");
        return sha.isEmpty() ? "" : " (" + escaped(sha.substring(0, Math.min(SHORT_SHA, sha.length()))) + ")";
    }

    private static String by(JsonNode data) {
        String actor = text(data, "actor", "");
        return actor.isEmpty() ? "" : " by " + escaped(actor);
    }

    private static String until(JsonNode data) {
        String until = text(data.path("after"), "until", "");
        return until.isEmpty() ? "" : " until " + escaped(until);
    }

    private static String reason(JsonNode data) {
        String reason = text(data, "reason", "");
        return reason.isEmpty() ? "" : ": " + escaped(reason);
    }

    private static String number(JsonNode data, String name) {
        return escaped(data.path(name).asString("?"));
    }

    private static String text(JsonNode data, String name, @Nullable String otherwise) {
        String text = data.path(name).asString("");
        return text.isEmpty() && otherwise != null ? otherwise : text;
    }

    /** On one line, no longer than a line of a chat should be, and with nothing in it that Slack would act on. */
    private static String escaped(String text) {
        String line = text.codePoints()
                .map(c -> Character.isISOControl(c)
                                || Character.getType(c) == Character.LINE_SEPARATOR
                                || Character.getType(c) == Character.PARAGRAPH_SEPARATOR
                        ? ' '
                        : c)
                .limit(MOST_CHARACTERS)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
        return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }

    /** A URI has no {@code <}, {@code >} or {@code |} in it, which would end Slack's link. */
    private static String link(String url) {
        try {
            var uri = new URI(url);
            boolean isWeb = "http".equalsIgnoreCase(uri.getScheme()) || "https".equalsIgnoreCase(uri.getScheme());
            return isWeb ? "<" + url.replace("&", "&amp;") + "|CI run>" : "";
        } catch (URISyntaxException e) {
            return "";
        }
    }
}
