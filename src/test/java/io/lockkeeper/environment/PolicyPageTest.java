package io.lockkeeper.environment;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/** The table of {@code docs/policy.md} and the code say the same. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class PolicyPageTest {
    private static final Pattern ROW =
            Pattern.compile("(?m)^\\| `([a-z_]+)` \\| ([^|]+) \\| ([^|]+) \\| ([^|]+) \\| .+\\|$");

    /** Key to default, as the table has them. */
    private static Map<String, String> table() throws IOException {
        String page = Files.readString(Path.of("docs/policy.md"));
        String section = page.substring(page.indexOf("## Every key"), page.indexOf("## Changing it"));
        Map<String, String> rows = new LinkedHashMap<>();
        ROW.matcher(section)
                .results()
                .forEach(row -> rows.put(row.group(1), row.group(2).replace("`", "")));
        return rows;
    }

    private static String key(RecordComponent component) {
        JsonProperty named = component.getAccessor().getAnnotation(JsonProperty.class);
        return named != null
                ? named.value()
                : component.getName().replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
    }

    @Test
    void every_key_is_in_the_table_in_order_and_no_other() throws IOException {
        assertThat(table().keySet())
                .containsExactlyElementsOf(Arrays.stream(PolicyDeclaration.class.getRecordComponents())
                        .map(PolicyPageTest::key)
                        .toList());
    }

    @Test
    void defaults_of_the_table_are_those_of_the_code() throws IOException {
        EnvironmentPolicy policy = PolicyDeclaration.EMPTY.policy();
        assertThat(policy).isEqualTo(EnvironmentPolicy.DEFAULT);
        Map<String, String> code = new LinkedHashMap<>();
        code.put("lock_group", "the environment's name");
        code.put("lease_seconds", "" + policy.lease().toSeconds());
        code.put("queue_timeout_seconds", "" + policy.queueTimeout().toSeconds());
        code.put("max_hold_seconds", policy.maxHold() == null ? "none" : "some");
        code.put("batch_threshold", "" + policy.batchThreshold());
        code.put("batch_window_seconds", "" + policy.batchWindow().toSeconds());
        code.put("queue_mode", policy.queueMode().label());
        code.put("cancel_in_progress", "" + policy.cancelInProgress());
        code.put("approvals_required", "" + policy.approvalsRequired());
        code.put("approvers", policy.approvers().isEmpty() ? "none" : "some");
        code.put("approval_timeout_seconds", "" + policy.approvalTimeout().toSeconds());
        code.put("promote_from", policy.promoteFrom() == null ? "none" : "some");
        code.put("on_failure", policy.onFailure().label());
        code.put("health_url", policy.healthUrl() == null ? "none" : "some");
        code.put("protected", "" + policy.isProtected());
        code.put("freeze_windows", policy.freezeWindows().isEmpty() ? "none" : "some");

        assertThat(table()).isEqualTo(code);
    }
}
