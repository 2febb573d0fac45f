package io.lockkeeper.monitoring;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.monitoring.Dashboard.Query;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** What can be said of the dashboard without a Grafana. What its queries answer is in {@code MonitoringIT}. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class DashboardTest {
    private static final String SOURCE = "${datasource}";
    /** Grafana's grid. */
    private static final int COLUMNS = 24;

    @Test
    void every_panel_asks_the_chosen_data_source() {
        assertThat(Dashboard.panels()).isNotEmpty().allSatisfy(panel -> {
            assertThat(panel.findValues("datasource"))
                    .allSatisfy(
                            source -> assertThat(source.path("uid").asString()).isEqualTo(SOURCE));
            if (!panel.path("type").asString().equals("row")) {
                assertThat(panel.path("targets")).isNotEmpty();
                assertThat(panel.path("targets"))
                        .allSatisfy(target ->
                                assertThat(target.path("datasource").isObject()).isTrue());
            }
        });
    }

    @Test
    void every_query_about_environments_is_about_the_chosen_ones_and_every_other_about_this_job() {
        assertThat(Dashboard.queries()).extracting(Query::expression).allSatisfy(expression -> {
            var selectors = expression.split("\\{", -1).length - 1;
            assertThat(expression.split("environment=~\"\\$environment\"|job=\"lockkeeper\"", -1).length - 1)
                    .as(expression)
                    .isEqualTo(selectors)
                    .isPositive();
        });
    }

    @Test
    void panels_have_ids_of_their_own_and_do_not_overlap() {
        List<JsonNode> panels = Dashboard.panels();
        assertThat(panels).extracting(panel -> panel.path("id").asInt()).doesNotHaveDuplicates();
        List<String> taken = new ArrayList<>();
        for (var panel : panels) {
            var place = panel.path("gridPos");
            int right = place.path("x").asInt() + place.path("w").asInt();
            assertThat(right).isLessThanOrEqualTo(COLUMNS);
            for (int x = place.path("x").asInt(); x < right; x++) {
                for (int y = 0; y < place.path("h").asInt(); y++) {
                    taken.add(x + "," + (place.path("y").asInt() + y));
                }
            }
        }
        assertThat(taken).doesNotHaveDuplicates();
    }

    @Test
    void each_column_of_the_table_has_a_name() {
        var table = Dashboard.panels().stream()
                .filter(panel -> panel.path("type").asString().equals("table"))
                .findFirst()
                .orElseThrow();
        assertThat(table.path("fieldConfig").path("overrides"))
                .extracting(override -> override.path("matcher").path("options").asString())
                .containsExactlyElementsOf(table.path("targets")
                        .valueStream()
                        .map(target -> "Value #" + target.path("refId").asString())
                        .toList());
    }
}
