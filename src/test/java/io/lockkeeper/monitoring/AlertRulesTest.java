package io.lockkeeper.monitoring;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.monitoring.AlertRules.Rule;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** The alerts: when each fires and when not, and that whoever gets one finds out what to do. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class AlertRulesTest {
    private static final Path CASES = Path.of("src/test/resources/prometheus/alerts.yaml");
    private static final Path RUNBOOK = Path.of("docs/runbook.md");
    private static final String RUNBOOK_URL = "https://github.com/lockkeeper/lockkeeper/blob/main/docs/runbook.md#";
    private static final Pattern SECTION = Pattern.compile("(?m)^## (Lockkeeper\\w+)$");
    private static final Pattern ROW = Pattern.compile("(?m)^\\| \\[(Lockkeeper\\w+)]\\((\\S+)\\) \\| (\\w+) \\|");

    @TempDir
    Path directory;

    @Test
    void prometheus_accepts_the_rules() throws Exception {
        MonitoringTool.PROMTOOL.assumeInstalled();

        var checked = MonitoringTool.PROMTOOL.run("check", "rules", AlertRules.FILE.toString());

        assertThat(checked.status()).as(checked.output()).isZero();
    }

    @Test
    void each_alert_fires_and_stays_silent_as_its_cases_say() throws Exception {
        MonitoringTool.PROMTOOL.assumeInstalled();

        var tested = MonitoringTool.PROMTOOL.run("test", "rules", CASES.toString());

        assertThat(tested.status()).as(tested.output()).isZero();
    }

    @Test
    void each_alert_has_a_case_in_which_it_fires_and_one_in_which_it_stays_silent() {
        List<JsonNode> cases = AlertRules.yaml(CASES)
                .path("tests")
                .valueStream()
                .flatMap(test -> test.path("alert_rule_test").valueStream())
                .toList();

        assertThat(alertsOf(cases, true)).containsExactlyInAnyOrderElementsOf(names());
        assertThat(alertsOf(cases, false)).containsExactlyInAnyOrderElementsOf(names());
    }

    private static List<String> alertsOf(List<JsonNode> cases, boolean firing) {
        return cases.stream()
                .filter(one -> one.path("exp_alerts").isEmpty() != firing)
                .map(one -> one.path("alertname").asString())
                .distinct()
                .toList();
    }

    private static List<String> names() {
        return AlertRules.alerts().stream().map(Rule::name).toList();
    }

    @Test
    void each_alert_leads_to_its_section_of_the_runbook_and_each_section_has_its_alert() throws Exception {
        assertThat(AlertRules.alerts())
                .isNotEmpty()
                .allSatisfy(alert -> assertThat(alert.runbook()).isEqualTo(RUNBOOK_URL + anchor(alert.name())));
        assertThat(SECTION.matcher(Files.readString(RUNBOOK)).results().map(section -> section.group(1)))
                .containsExactlyElementsOf(names());
    }

    @Test
    void table_of_alerts_has_each_with_its_severity() {
        List<MatchResult> rows = ROW.matcher(MonitoringPage.text()).results().toList();

        assertThat(rows)
                .extracting(row -> row.group(1) + " " + row.group(3))
                .containsExactlyElementsOf(AlertRules.alerts().stream()
                        .map(alert -> alert.name() + " " + alert.severity())
                        .toList());
        assertThat(rows).allSatisfy(row -> assertThat(row.group(2)).isEqualTo("runbook.md#" + anchor(row.group(1))));
    }

    private static String anchor(String heading) {
        return heading.toLowerCase(Locale.ROOT);
    }

    @Test
    void documented_configuration_of_prometheus_is_valid() throws Exception {
        MonitoringTool.PROMTOOL.assumeInstalled();
        var file = Files.writeString(
                directory.resolve("prometheus.yml"),
                MonitoringPage.file("prometheus.yml").replace("/etc/prometheus", directory.toString()));
        Files.copy(AlertRules.FILE, directory.resolve("rules.yaml"));
        assertThat(MonitoringTool.PROMTOOL
                        .run("check", "config", file.toString())
                        .output())
                .as("without a token")
                .contains("lockkeeper-token");
        Files.writeString(directory.resolve("lockkeeper-token"), "lkt_token");

        var checked = MonitoringTool.PROMTOOL.run("check", "config", file.toString());

        assertThat(checked.status()).as(checked.output()).isZero();
        assertThat(checked.output()).contains(AlertRules.all().size() + " rules found");
    }

    @Test
    void documented_configuration_of_alertmanager_is_valid_and_names_alerts_that_there_are() throws Exception {
        var text = MonitoringPage.file("alertmanager.yml");
        assertThat(Pattern.compile("Lockkeeper\\w+").matcher(text).results().map(MatchResult::group))
                .isNotEmpty()
                .isSubsetOf(names());
        MonitoringTool.AMTOOL.assumeInstalled();
        var file = Files.writeString(directory.resolve("alertmanager.yml"), text);

        var checked = MonitoringTool.AMTOOL.run("check-config", file.toString());

        assertThat(checked.status()).as(checked.output()).isZero();
    }
}
