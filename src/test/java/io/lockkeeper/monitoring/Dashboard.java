package io.lockkeeper.monitoring;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The dashboard for Grafana, read. */
public final class Dashboard {
    static final Path FILE = Path.of("helm/lockkeeper/files/dashboard.json");

    private Dashboard() {}

    /**
     * One query of a panel.
     *
     * @param reference its letter within the panel
     * @param expression with Grafana's variables in it
     */
    public record Query(String panel, String reference, String expression) {

        /** As Grafana would send it for all environments and the last hour. */
        public String filledIn() {
            return expression
                    .replace("$environment", ".*")
                    .replace("$__rate_interval", "15m")
                    .replace("$__range", "1h");
        }
    }

    public static List<Query> queries() {
        return panels().stream()
                .flatMap(panel -> panel.path("targets")
                        .valueStream()
                        .map(target -> new Query(
                                panel.path("title").asString(),
                                target.path("refId").asString(),
                                target.path("expr").asString())))
                .toList();
    }

    static List<JsonNode> panels() {
        return read().path("panels").valueStream().toList();
    }

    static JsonNode read() {
        try {
            return new JsonMapper().readTree(Files.readString(FILE));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
