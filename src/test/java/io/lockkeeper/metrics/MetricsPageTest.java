package io.lockkeeper.metrics;

import static io.lockkeeper.metrics.Replica.ask;
import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.coordination.Refusal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** {@code docs/metrics.md} and the service say the same. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class MetricsPageTest {
    /** Metric, type, unit, labels. */
    private static final Pattern ROW =
            Pattern.compile("(?m)^\\| `(lockkeeper_[a-z_]+)` \\| (\\w+) \\| [^|]+ \\| ([^|]+) \\| .+\\|$");

    private static final Pattern TYPE = Pattern.compile("(?m)^# TYPE (lockkeeper_[a-z_]+) (\\w+)$");
    private static final Pattern SERIES = Pattern.compile("(lockkeeper_[a-z_]+)\\{(.*)}");
    private static final Pattern LABEL = Pattern.compile("([a-z_]+)=\"([^\"]*)\"");

    private final Replica replica = new Replica();
    private final String page = read("docs/metrics.md");

    @AfterAll
    void close() {
        replica.close();
    }

    private static String read(String path) {
        try {
            return Files.readString(Path.of(path));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void every_metric_is_documented_with_its_type_and_no_other_is() {
        Map<String, String> documented = new TreeMap<>();
        rows().forEach(row -> documented.put(row.group(1), row.group(2)));
        // Beside each histogram, and told of in one sentence for all of them.
        assertThat(page).contains("`…_max`");
        List.copyOf(documented.entrySet()).stream()
                .filter(row -> row.getValue().equals("histogram"))
                .forEach(row -> documented.put(row.getKey() + "_max", "gauge"));
        // Parked calls are the service's; a replica without one has none.
        documented.remove("lockkeeper_waiters");

        Map<String, String> told = new TreeMap<>();
        replica.forget();
        TYPE.matcher(replica.scrape()).results().forEach(type -> told.put(type.group(1), type.group(2)));

        assertThat(told).isEqualTo(documented);
    }

    @Test
    void labels_are_those_of_the_tables() {
        Map<String, Set<String>> documented = new TreeMap<>();
        rows().filter(row -> !row.group(3).equals("none"))
                .forEach(row -> documented.put(
                        row.group(1), Set.of(row.group(3).replace("`", "").split(", "))));

        Map<String, Set<String>> told = new TreeMap<>();
        series().forEach(series -> told.computeIfAbsent(family(series), _ -> new TreeSet<>())
                .addAll(labels(series).keySet()));
        told.values().forEach(labels -> labels.remove("le"));

        assertThat(told).isEqualTo(documented);
    }

    @Test
    void values_of_bounded_labels_are_those_of_the_tables() {
        rows().forEach(row -> {
            for (String label : List.of("outcome", "status", "code")) {
                if (row.group(3).contains("`" + label + "`")) {
                    Set<String> told = series().filter(series -> family(series).equals(row.group(1)))
                            .map(series -> labels(series).getOrDefault(label, ""))
                            .collect(Collectors.toSet());
                    assertThat(told)
                            .as(row.group(1))
                            .isNotEmpty()
                            .allSatisfy(value -> assertThat(row.group()).contains("`" + value + "`"));
                }
            }
        });
    }

    @Test
    void codes_of_refusals_are_those_of_the_problems() {
        String problems = read("docs/problems.md");
        assertThat(Refusal.Code.values())
                .allSatisfy(code -> assertThat(problems).contains("\n## " + code.label() + "\n"));
    }

    @Test
    void buckets_are_those_of_the_table() {
        for (String histogram : List.of("lockkeeper_lock_wait_seconds", "lockkeeper_deployment_duration_seconds")) {
            MatchResult row = Pattern.compile("(?m)^\\| `" + histogram + "_bucket` \\| (.*) \\|$")
                    .matcher(page)
                    .results()
                    .findFirst()
                    .orElseThrow();
            List<String> told = series().filter(series -> series.startsWith(histogram + "_bucket"))
                    .map(series -> labels(series).getOrDefault("le", ""))
                    .filter(bound -> !bound.equals("+Inf"))
                    .distinct()
                    .sorted(Comparator.comparingDouble(Double::parseDouble))
                    .toList();
            assertThat(told).isEqualTo(Arrays.asList(row.group(1).split(", ")));
        }
    }

    @Test
    void queries_name_metrics_and_labels_that_exist() {
        String queries = Pattern.compile("(?s)```promql\n(.*?)```")
                .matcher(page)
                .results()
                .map(query -> query.group(1))
                .collect(Collectors.joining());
        replica.release(replica.acquire(ask("production")));
        Set<String> names = replica.series().keySet().stream()
                .map(series -> series.replaceAll("\\{.*", ""))
                .collect(Collectors.toSet());

        assertThat(Pattern.compile("lockkeeper_[a-z_]+")
                        .matcher(queries)
                        .results()
                        .map(MatchResult::group))
                .isNotEmpty()
                .isSubsetOf(names);
        assertThat(Pattern.compile("le=\"([^\"]*)\"").matcher(queries).results().map(bound -> bound.group(1)))
                .allSatisfy(bound -> assertThat(page).contains(" " + bound + ","));
    }

    private Stream<MatchResult> rows() {
        return ROW.matcher(page).results();
    }

    private Stream<String> series() {
        return replica.series().keySet().stream();
    }

    /** A series' metric; of a histogram's, the histogram. */
    private static String family(String series) {
        return series.replaceAll("\\{.*", "").replaceAll("_(bucket|count|sum|max)$", "");
    }

    private static Map<String, String> labels(String series) {
        return SERIES.matcher(series)
                .results()
                .flatMap(match -> LABEL.matcher(match.group(2)).results())
                .collect(Collectors.toMap(label -> label.group(1), label -> label.group(2)));
    }
}
