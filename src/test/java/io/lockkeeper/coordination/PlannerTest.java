package io.lockkeeper.coordination;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.environment.Environment;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.environment.EnvironmentPolicy;
import io.lockkeeper.environment.LockGroup;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What is decided on a given snapshot. No database: the snapshots are made by hand. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class PlannerTest {
    private static final Instant NOW = Instant.parse("2026-02-13T10:30:45Z");
    private static final Instant LATER = NOW.plusSeconds(60);

    private final Planner planner = new Planner(Fixture.TIMING, true);

    @Test
    void free_lock_is_given_at_once() {
        assertThat(changes(plan(new Given().locked("production"), acquire("production"))))
                .containsExactly("Start");
    }

    @Test
    void unknown_environment_is_made_first() {
        Given given = new Given().locked("production");
        given.stored = false;

        assertThat(changes(plan(given, acquire("production")))).containsExactly("CreateEnvironment", "Start");
    }

    @Test
    @Tag("invariant-6")
    void lease_that_ends_at_this_very_instant_is_over() {
        Given overdue = new Given().locked("production").holder(1, NOW, "production");
        Given alive = new Given().locked("production").holder(1, NOW.plusNanos(1000), "production");

        assertThat(changes(plan(overdue, acquire("production")))).containsExactly("End 1 EXPIRED", "Start");
        assertThat(changes(plan(alive, acquire("production")))).containsExactly("Enqueue");
    }

    @Test
    @Tag("invariant-3")
    void release_grants_the_first_of_the_queue_by_priority_and_then_by_id() {
        Given given = new Given()
                .locked("production")
                .holder(1, LATER, "production")
                .queued(2, LATER, "production")
                .queued(4, LATER, "production")
                .high(5, LATER, "production")
                .high(3, LATER, "production");

        assertThat(changes(plan(given, release(given.run(1)))))
                .containsExactly("End 1 SUCCESS", "Ship", "GrantQueued 3");
    }

    @Test
    @Tag("invariant-10")
    void release_ends_the_silent_ones_on_its_way_to_one_that_is_there() {
        Given given = new Given()
                .locked("production")
                .holder(1, LATER, "production")
                .queued(2, NOW, "production")
                .queued(3, NOW.minusSeconds(1), "production")
                .queued(4, LATER, "production");

        assertThat(changes(plan(given, release(given.run(1)))))
                .containsExactly("End 3 ABANDONED", "End 2 ABANDONED", "End 1 SUCCESS", "Ship", "GrantQueued 4");
    }

    @Test
    @Tag("invariant-10")
    void nobody_is_called_silent_when_nobody_could_be_heard() {
        Given given =
                new Given().locked("production").holder(1, LATER, "production").queued(2, NOW, "production");
        given.lastSweptAt = NOW.minus(Snapshot.OUTAGE);

        assertThat(changes(plan(given, release(given.run(1)))))
                .containsExactly("End 1 SUCCESS", "Ship", "GrantQueued 2");
    }

    @Test
    @Tag("invariant-4")
    void run_in_the_way_with_a_group_that_is_not_locked_makes_the_transition_start_again() {
        Given given = new Given()
                .locked("staging")
                .queued(1, LATER, "production", "staging")
                .queued(2, LATER, "staging");

        assertThat(plan(given, new Transition.Sweep(groups("staging"))))
                .isEqualTo(new Plan.NeedsLocks(groups("production")));
    }

    @Test
    @Tag("invariant-4")
    void run_is_granted_when_it_is_first_in_all_its_groups_and_not_before() {
        Given first = new Given().locked("production", "staging").queued(1, LATER, "production", "staging");
        Given behind = new Given()
                .locked("production", "staging")
                .queued(1, LATER, "production")
                .queued(2, LATER, "production", "staging")
                .queued(3, LATER, "staging");

        assertThat(changes(plan(first, new Transition.Sweep(first.locked)))).containsExactly("GrantQueued 1");
        assertThat(changes(plan(behind, new Transition.Sweep(behind.locked)))).containsExactly("GrantQueued 1");
    }

    @Test
    @Tag("invariant-3")
    void run_behind_a_queue_that_was_not_read_to_its_end_is_not_granted_in_its_stead() {
        Given given = new Given().locked("production");
        for (int id = 1; id <= Snapshot.WINDOW; id++) {
            given.queued(id, NOW, "production");
        }

        assertThat(plan(given, acquire("production"))).isEqualTo(new Plan.NeedsMore());
    }

    @Test
    @Tag("invariant-3")
    void run_far_behind_is_not_taken_for_the_first() {
        Given given = new Given().locked("production");
        for (int id = 1; id <= Snapshot.WINDOW; id++) {
            given.queued(id, NOW, "production");
        }
        given.queued(100, LATER, "production"); // Known only because its client asks; those between were not read.

        assertThat(plan(given, new Transition.Cancel(new RunId(1), null, "no more", null)))
                .isEqualTo(new Plan.NeedsMore());
    }

    @Test
    @Tag("invariant-8")
    void run_of_the_same_key_is_answered_without_a_change() {
        Given given = new Given().locked("production").holder(1, NOW, "production");
        given.found = new Snapshot.Found(new RunId(1), List.of());

        assertThat(plan(given, acquire("production")))
                .isEqualTo(new Plan.Decided(
                        List.of(), new Verdict.KeyReused(given.run(1)), new Wake(Set.of(), Set.of(), false)));
    }

    @Test
    @Tag("invariant-9")
    void late_heartbeat_names_the_holder_that_this_very_plan_grants() {
        Given given =
                new Given().locked("production").holder(1, NOW, "production").queued(2, LATER, "production");

        Plan plan = plan(given, new Transition.Heartbeat(Fixture.proof(given.run(1))));

        assertThat(changes(plan)).containsExactly("End 1 EXPIRED", "GrantQueued 2");
        assertThat(((Plan.Decided) plan).verdict()).isEqualTo(new Verdict.LeaseLost(given.run(1), given.run(2)));
    }

    @Test
    void wake_names_who_moved_and_whether_one_of_them_waited() {
        Given given = new Given().locked("production").holder(1, LATER, "production");
        Plan.Decided alone = (Plan.Decided) plan(given, release(given.run(1)));
        given.queued(2, LATER, "production");
        Plan.Decided awaited = (Plan.Decided) plan(given, release(given.run(1)));

        assertThat(alone.woken()).isEqualTo(new Wake(Set.of(new RunId(1)), groups("production"), false));
        assertThat(awaited.woken()).isEqualTo(new Wake(Set.of(new RunId(1), new RunId(2)), groups("production"), true));
    }

    @Test
    void same_snapshot_gives_the_same_plan() {
        Given given =
                new Given().locked("production").holder(1, NOW, "production").queued(2, LATER, "production");
        Transition transition = release(given.run(1));

        assertThat(plan(given, transition)).isEqualTo(plan(given, transition));
    }

    private Plan plan(Given given, Transition transition) {
        return planner.plan(given.snapshot(), transition);
    }

    private static List<String> changes(Plan plan) {
        return ((Plan.Decided) plan)
                .changes().stream()
                        .map(change -> change.getClass().getSimpleName()
                                + switch (change) {
                                    case Change.End end -> " " + end.run().id() + " " + end.status();
                                    case Change.GrantQueued grant ->
                                        " " + grant.run().id();
                                    default -> "";
                                })
                        .toList();
    }

    private static Transition acquire(String... environments) {
        return new Transition.Acquire(Fixture.request(environments).build());
    }

    private static Transition release(Run run) {
        return new Transition.Release(Fixture.proof(run), new Report(Report.Result.SUCCESS, null));
    }

    private static Set<LockGroup> groups(String... names) {
        return Arrays.stream(names).map(LockGroup::new).collect(Collectors.toCollection(TreeSet::new));
    }

    /** A snapshot in the making. Each environment is a lock group of its own. */
    private static final class Given {
        private final Map<RunId, Run> runs = new TreeMap<>();
        private Set<LockGroup> locked = Set.of();
        private Instant lastSweptAt = NOW.minusSeconds(1);
        private Snapshot.Found found = Snapshot.Found.NOTHING;
        private boolean stored = true;

        Given locked(String... names) {
            locked = groups(names);
            return this;
        }

        Given holder(long id, Instant leaseEnds, String... environments) {
            Instant at = NOW.minusSeconds(1800);
            Grant grant = new Grant(new FencingToken(id), at, at, leaseEnds, null, null, null);
            return add(id, RunStatus.IN_PROGRESS, Priority.NORMAL, leaseEnds, grant, environments);
        }

        Given queued(long id, Instant presenceEnds, String... environments) {
            return add(id, RunStatus.QUEUED, Priority.NORMAL, presenceEnds, null, environments);
        }

        Given high(long id, Instant presenceEnds, String... environments) {
            return add(id, RunStatus.QUEUED, Priority.HIGH, presenceEnds, null, environments);
        }

        Run run(long id) {
            return requireNonNull(runs.get(new RunId(id)));
        }

        private Given add(
                long id,
                RunStatus status,
                Priority priority,
                Instant deadline,
                @Nullable Grant grant,
                String... environments) {
            Instant created = NOW.minusSeconds(1800);
            runs.put(
                    new RunId(id),
                    new Run(
                            new RunId(id),
                            Arrays.stream(environments)
                                    .map(EnvironmentName::new)
                                    .toList(),
                            groups(environments),
                            status,
                            null,
                            priority,
                            Coverage.PINNED,
                            Duration.ofMinutes(30),
                            created,
                            created,
                            null,
                            created,
                            NOW.plusSeconds(1800),
                            deadline,
                            grant,
                            new LockTokenSeal(new UUID(0, id), Sha256.of("secret " + id)),
                            Sha256.of("body " + id),
                            Sha256.of("batch"),
                            "tester",
                            false,
                            0,
                            Set.of(),
                            null,
                            null,
                            null,
                            RunDetails.NONE,
                            null));
            return this;
        }

        Snapshot snapshot() {
            Map<EnvironmentName, Environment> environments = new LinkedHashMap<>();
            Map<LockGroup, Integer> pending = new TreeMap<>();
            for (LockGroup group : locked) {
                EnvironmentName name = new EnvironmentName(group.name());
                environments.put(name, stored ? known(name, group) : Environment.unknown(name, null, null));
                pending.put(group, (int) runs.values().stream()
                        .filter(run -> run.lockGroups().contains(group))
                        .count());
            }
            return new Snapshot(
                    NOW,
                    lastSweptAt,
                    locked,
                    environments,
                    pending,
                    runs,
                    Map.of(),
                    List.of(),
                    found,
                    null,
                    Snapshot.WINDOW);
        }

        private static Environment known(EnvironmentName name, LockGroup group) {
            return new Environment(
                    name, group, null, EnvironmentPolicy.DEFAULT, true, null, null, null, null, false, null, false);
        }
    }
}
