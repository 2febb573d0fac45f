package io.lockkeeper.history;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.environment.EnvironmentName;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/** Pages of the audit trail. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class AuditTrailTest {
    private final PastRuns past = new PastRuns();
    private final AuditTrail trail = new AuditTrail(past.jdbc);

    @Test
    void entries_tell_who_did_what_when_and_why_and_what_it_was_before() {
        long id = entry("alice", "freeze", "production");

        Page<AuditEntry> page = trail.page(AuditTrail.Filter.ALL, null, 50, entry -> true);

        AuditEntry entry = page.items().getFirst();
        assertThat(entry.id()).isEqualTo(id);
        assertThat(entry.actor()).isEqualTo("alice");
        assertThat(entry.action()).isEqualTo("freeze");
        assertThat(entry.environments()).containsExactly("production");
        assertThat(entry.reason()).isEqualTo("black friday");
        assertThat(entry.before()).isEqualTo("{}");
        assertThat(entry.after()).isEqualTo("{\"until\": null}");
        assertThat(page.nextBefore()).isNull();
    }

    @Test
    void pages_follow_each_other_and_the_filters_agree() {
        List<Long> hers = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            hers.addFirst(entry("alice", "freeze", "production"));
            entry("bob", "freeze", "production");
            entry("alice", "unfreeze", "production");
            entry("alice", "freeze", "staging");
            entry("alice", "freeze");
        }

        assertThat(walk(new AuditTrail.Filter(new EnvironmentName("production"), "alice", "freeze")))
                .isEqualTo(hers);
        assertThat(walk(AuditTrail.Filter.ALL)).hasSize(25).isSortedAccordingTo(java.util.Comparator.reverseOrder());
        assertThat(walk(new AuditTrail.Filter(null, "carol", null))).isEmpty();
    }

    @Test
    void what_the_caller_may_not_see_is_left_out_and_the_page_goes_on() {
        entry("alice", "freeze", "staging");
        entry("alice", "freeze", "production");

        Page<AuditEntry> first = trail.page(
                AuditTrail.Filter.ALL, null, 1, entry -> !entry.environments().contains("production"));

        assertThat(first.items()).isEmpty();
        assertThat(first.nextBefore()).isEqualTo(2);
    }

    private List<Long> walk(AuditTrail.Filter filter) {
        List<Long> ids = new ArrayList<>();
        @Nullable Long before = null;
        do {
            Page<AuditEntry> page = trail.page(filter, before, 2, entry -> true);
            page.items().forEach(entry -> ids.add(entry.id()));
            before = page.nextBefore();
        } while (before != null);
        return ids;
    }

    private long entry(String actor, String action, String... environments) {
        return past.jdbc
                .sql("""
                INSERT INTO audit (at, actor, action, environments, reason, after)
                VALUES (statement_timestamp(), :actor, :action, :environments, 'black friday', '{"until": null}')
                RETURNING id""")
                .param("actor", actor)
                .param("action", action)
                .param("environments", environments)
                .query(Long.class)
                .single();
    }
}
