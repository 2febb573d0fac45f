package io.lockkeeper.monitoring;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.yaml.snakeyaml.Yaml;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The rules for Prometheus, read. */
public final class AlertRules {
    public static final Path FILE = Path.of("helm/lockkeeper/files/rules.yaml");

    private static final JsonMapper JSON = new JsonMapper();

    private AlertRules() {}

    /**
     * One rule.
     *
     * @param name of the alert, or of the series that it records
     * @param severity empty for a recording
     */
    public record Rule(String name, boolean isAlert, String expression, String severity, String runbook) {}

    public static List<Rule> all() {
        return yaml(FILE)
                .path("groups")
                .valueStream()
                .flatMap(group -> group.path("rules").valueStream())
                .map(rule -> new Rule(
                        rule.path(rule.has("alert") ? "alert" : "record").asString(),
                        rule.has("alert"),
                        rule.path("expr").asString(),
                        rule.path("labels").path("severity").asString(),
                        rule.path("annotations").path("runbook_url").asString()))
                .toList();
    }

    public static List<Rule> alerts() {
        return all().stream().filter(Rule::isAlert).toList();
    }

    static JsonNode yaml(Path file) {
        try {
            return JSON.valueToTree(new Yaml().load(Files.readString(file)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
