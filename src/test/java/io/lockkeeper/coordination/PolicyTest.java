package io.lockkeeper.coordination;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.environment.DeclaredIn;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.environment.EnvironmentPolicy;
import io.lockkeeper.environment.FreezeWindow;
import io.lockkeeper.environment.LockGroup;
import io.lockkeeper.environment.PolicyDeclaration;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.springframework.core.io.ClassPathResource;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;

/** What policy does to the queue: groups, modes, approvals, promotion, freezes, quarantine, limits, and what admins do. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class PolicyTest {
    private static final Actor ALICE = new Actor("alice", "because the test says so");
    private static final Actor BOB = new Actor("bob", "because the test says so");
    private static final FreezeEnd FOREVER = new FreezeEnd(null, null);
    private static final JsonMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(tools.jackson.databind.MapperFeature.ACCEPT_CASE_INSENSITIVE_ENUMS)
            .build();

    private final Fixture lockkeeper = new Fixture();

    @AfterEach
    void everything_held_and_clean_up() throws IOException {
        assertThat(
                        lockkeeper.jdbc.queryForList(
                                "SELECT lock_group FROM claim WHERE status = 'in_progress' GROUP BY lock_group HAVING count(*) > 1"))
                .isEmpty();
        assertThat(lockkeeper.jdbc.queryForList(integrity().replace(":limit", "10")))
                .as("violated invariants")
                .isEmpty();
        lockkeeper.close();
    }

    private static String integrity() throws IOException {
        return new ClassPathResource("sql/status/integrity.sql").getContentAsString(StandardCharsets.UTF_8);
    }

    private static EnvironmentName name(String environment) {
        return new EnvironmentName(environment);
    }

    /** Declares a policy in the words of the API. */
    private AdminOutcome declare(String environment, String json) {
        PolicyDeclaration declaration = JSON.readValue(json, PolicyDeclaration.class);
        return lockkeeper.administration.declare(
                name(environment),
                declaration.lockGroup(name(environment)),
                declaration.policy(),
                DeclaredIn.API,
                ALICE);
    }

    private AdminOutcome freeze(String environment) {
        return lockkeeper.administration.freeze(name(environment), FOREVER, ALICE);
    }

    private AdminOutcome unfreeze(String environment) {
        return lockkeeper.administration.unfreeze(name(environment), ALICE);
    }

    private List<@Nullable String> audit() {
        return lockkeeper.jdbc.queryForList("SELECT action FROM audit ORDER BY id", String.class);
    }

    private @Nullable RunStatus outcomeStatus(AdminOutcome outcome) {
        return switch (outcome) {
            case AdminOutcome.Approved approved -> approved.run().status();
            case AdminOutcome.Ended ended -> ended.run().status();
            default -> null;
        };
    }

    // Groups

    @Test
    @Tag("invariant-1")
    void environments_of_one_group_do_not_race_and_are_served_in_order_of_id() {
        declare("production", "{\"lock_group\": \"deploy-production\"}");
        declare("production-auto", "{\"lock_group\": \"deploy-production\"}");
        List<Run> runs = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            runs.add(lockkeeper.acquire(Fixture.request(i % 3 == 0 ? "production-auto" : "production")
                    .unbatched()));
        }
        assertThat(lockkeeper.status(lockkeeper.acquire("dev"))).isEqualTo(RunStatus.IN_PROGRESS);
        assertThat(lockkeeper.status(lockkeeper.acquire("preprod"))).isEqualTo(RunStatus.IN_PROGRESS);

        for (int i = 0; i < runs.size(); i++) {
            assertThat(lockkeeper.status(runs.get(i))).isEqualTo(RunStatus.IN_PROGRESS);
            if (i + 1 < runs.size()) {
                assertThat(lockkeeper.status(runs.get(i + 1))).isEqualTo(RunStatus.QUEUED);
            }
            lockkeeper.touch(runs.get(i));
            lockkeeper.release(runs.get(i));
        }
    }

    @Test
    @Tag("invariant-3")
    void thirty_runs_at_once_through_both_environments_of_a_group_are_granted_in_order_of_id() throws Exception {
        declare("production", "{\"lock_group\": \"deploy-production\"}");
        declare("production-auto", "{\"lock_group\": \"deploy-production\"}");
        CountDownLatch go = new CountDownLatch(1);
        try (Fixture other = new Fixture(lockkeeper.database);
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Run>> clients = new ArrayList<>();
            for (int i = 0; i < 30; i++) {
                Fixture replica = i % 2 == 0 ? lockkeeper : other;
                String environment = i % 3 == 0 ? "production-auto" : "production";
                clients.add(threads.submit(() -> {
                    go.await();
                    Run run = replica.acquire(Fixture.request(environment).unbatched());
                    Fixture.await(() -> replica.touch(run).run().status() == RunStatus.IN_PROGRESS);
                    replica.release(run);
                    return run;
                }));
            }
            for (String stage : List.of("dev", "preprod")) {
                clients.add(threads.submit(() -> {
                    go.await();
                    Run run = lockkeeper.acquire(stage);
                    assertThat(run.status()).as("stages deploy in parallel").isEqualTo(RunStatus.IN_PROGRESS);
                    return run;
                }));
            }
            go.countDown();
            for (Future<Run> client : clients) {
                client.get();
            }
        }
        List<@Nullable Long> granted = lockkeeper.jdbc.queryForList(
                "SELECT run_id FROM claim JOIN run ON run.id = run_id WHERE lock_group = 'deploy-production' ORDER BY fencing_token",
                Long.class);
        assertThat(granted).hasSize(30).isSorted();
    }

    @Test
    @Tag("invariant-4")
    void waiting_runs_follow_their_environment_into_another_group() {
        Run holder = lockkeeper.acquire("other");
        freeze("web");
        Run waiting = lockkeeper.acquire("web");
        Run both = lockkeeper.acquire("web", "worker");

        assertThat(declare("web", "{\"lock_group\": \"other\"}")).isEqualTo(new AdminOutcome.Done());
        unfreeze("web");

        assertThat(lockkeeper.now(waiting).lockGroups()).containsExactly(new LockGroup("other"));
        assertThat(lockkeeper.now(both).lockGroups()).containsExactly(new LockGroup("other"), new LockGroup("worker"));
        assertThat(lockkeeper.status(waiting)).isEqualTo(RunStatus.QUEUED);
        lockkeeper.release(holder);
        assertThat(lockkeeper.status(waiting)).isEqualTo(RunStatus.IN_PROGRESS);
        lockkeeper.touch(waiting);
        lockkeeper.release(waiting);
        assertThat(lockkeeper.status(both)).isEqualTo(RunStatus.IN_PROGRESS);
    }

    @Test
    void group_of_a_held_environment_is_not_changed() {
        Run holder = lockkeeper.acquire("web");

        assertThat(declare("web", "{\"lock_group\": \"other\"}")).isInstanceOf(AdminOutcome.GroupIsHeld.class);
        lockkeeper.release(holder);
        assertThat(declare("web", "{\"lock_group\": \"other\"}")).isEqualTo(new AdminOutcome.Done());
    }

    @Test
    void what_the_configuration_declares_the_api_does_not_change() {
        lockkeeper.administration.declare(
                name("web"), new LockGroup("web"), EnvironmentPolicy.DEFAULT, DeclaredIn.CONFIGURATION, ALICE);

        assertThat(declare("web", "{}")).isEqualTo(new AdminOutcome.DeclaredInConfiguration());
        assertThat(lockkeeper.administration.reset(name("web"), DeclaredIn.API, ALICE))
                .isEqualTo(new AdminOutcome.DeclaredInConfiguration());
        assertThat(lockkeeper.administration.reset(name("web"), DeclaredIn.CONFIGURATION, ALICE))
                .isEqualTo(new AdminOutcome.Done());
        assertThat(declare("web", "{\"batch_threshold\": 0}")).isEqualTo(new AdminOutcome.Done());
    }

    @Test
    void group_of_the_configuration_comes_into_force_when_the_holder_has_ended_however_busy_the_environment_is() {
        declare("web", "{\"lock_group\": \"old\"}");
        declare("sibling", "{\"lock_group\": \"old\"}");
        Run holder = lockkeeper.acquire("web");
        Run next = lockkeeper.acquire("web");

        assertThat(configure("web", "{\"lock_group\": \"new\", \"batch_threshold\": 1}"))
                .isInstanceOf(AdminOutcome.GroupIsHeld.class);
        lockkeeper.administration.moveToDeclaredGroups(ALICE);
        assertThat(lockkeeper.acquire("web").status())
                .as("the rest is in force")
                .isEqualTo(RunStatus.SKIPPED);
        lockkeeper.release(holder);
        assertThat(lockkeeper.standing(next).blockers())
                .singleElement()
                .isInstanceOfSatisfying(
                        Blocker.Frozen.class,
                        frozen -> assertThat(frozen.freeze().reason()).startsWith("its lock group becomes new when"));
        Run sibling = lockkeeper.acquire("sibling");
        assertThat(sibling.status()).isEqualTo(RunStatus.IN_PROGRESS);

        lockkeeper.administration.moveToDeclaredGroups(ALICE);
        assertThat(lockkeeper.now(next))
                .returns(RunStatus.IN_PROGRESS, Run::status)
                .returns(Set.of(new LockGroup("new")), Run::lockGroups);
    }

    private AdminOutcome configure(String environment, String json) {
        PolicyDeclaration declaration = JSON.readValue(json, PolicyDeclaration.class);
        return lockkeeper.administration.declare(
                name(environment),
                declaration.lockGroup(name(environment)),
                declaration.policy(),
                DeclaredIn.CONFIGURATION,
                ALICE);
    }

    // Modes

    @Test
    void latest_only_supersedes_the_older_runs_that_the_new_one_covers() {
        declare("web", "{\"queue_mode\": \"latest_only\"}");
        Run holder = lockkeeper.acquire(Fixture.request("web").sha("a"));
        Run older = lockkeeper.acquire(Fixture.request("web").sha("b"));
        Run other = lockkeeper.acquire(Fixture.request("web").ref("other"));
        Run newer = lockkeeper.acquire(Fixture.request("web").sha("c"));

        assertThat(lockkeeper.now(older))
                .returns(RunStatus.SUPERSEDED, Run::status)
                .returns(newer.id(), Run::supersededBy);
        assertThat(lockkeeper.status(other)).isEqualTo(RunStatus.QUEUED);
        assertThat(lockkeeper.status(holder)).isEqualTo(RunStatus.IN_PROGRESS);
        assertThat(lockkeeper.status(newer)).isEqualTo(RunStatus.QUEUED);
    }

    @Test
    void superseded_cover_hands_what_it_covered_to_the_newer_run() {
        lockkeeper.acquire(Fixture.request("web").latest());
        lockkeeper.acquire(Fixture.request("web").latest());
        Run cover = lockkeeper.acquire(Fixture.request("web").latest());
        Run skipped = lockkeeper.acquire(Fixture.request("web").latest());
        declare("web", "{\"queue_mode\": \"latest_only\"}");

        Run newer = lockkeeper.acquire(Fixture.request("web").latest());

        assertThat(lockkeeper.now(cover).supersededBy()).isEqualTo(newer.id());
        assertThat(lockkeeper.now(skipped).batch()).isEqualTo(Fixture.receipt(newer.id(), true, null));
    }

    @Test
    void new_run_every_moment_still_deploys_whatever_the_mode() {
        declare("web", "{\"queue_mode\": \"latest_only\", \"cancel_in_progress\": true}");
        int deployed = 0;
        Run holder = lockkeeper.acquire("web");
        for (int i = 0; i < 20; i++) {
            Run newest = lockkeeper.acquire("web");
            boolean asked = lockkeeper.now(holder).requireGrant().cancelRequested();
            lockkeeper.touch(holder);
            lockkeeper.release(holder, asked ? Report.Result.CANCELLED : Report.Result.SUCCESS, null);
            deployed += asked ? 0 : 1;
            assertThat(lockkeeper.status(newest)).isEqualTo(RunStatus.IN_PROGRESS);
            lockkeeper.touch(newest);
            holder = newest;
        }

        assertThat(deployed).as("every second deployment comes to its end").isEqualTo(10);
    }

    @Test
    void stopped_deployment_counts_as_such_however_its_client_reports_it() {
        declare("web", "{\"queue_mode\": \"latest_only\", \"cancel_in_progress\": true}");
        int deployed = 0;
        Run holder = lockkeeper.acquire("web");
        for (int i = 0; i < 10; i++) {
            Run newest = lockkeeper.acquire("web");
            boolean asked = lockkeeper.now(holder).requireGrant().cancelRequested();
            lockkeeper.touch(holder);
            lockkeeper.release(holder, asked ? Report.Result.FAILURE : Report.Result.SUCCESS, null);
            deployed += asked ? 0 : 1;
            lockkeeper.touch(newest);
            holder = newest;
        }

        assertThat(deployed).isEqualTo(5);
    }

    @Test
    void newer_run_that_could_not_take_its_place_stops_no_deployment() {
        declare("web", "{\"cancel_in_progress\": true, \"on_failure\": \"quarantine\"}");
        Run holder = lockkeeper.acquire("web");
        freeze("web");
        lockkeeper.acquire("web");
        assertThat(lockkeeper.now(holder).requireGrant().cancelRequested())
                .as("asked for a run that is frozen")
                .isFalse();
        unfreeze("web");
        lockkeeper.touch(holder);
        lockkeeper.release(holder, Report.Result.FAILURE, null);
        Run fix = lockkeeper.acquire(Fixture.request("web").high());
        assertThat(fix.status()).isEqualTo(RunStatus.IN_PROGRESS);

        lockkeeper.acquire("web");
        lockkeeper.administration.acknowledge(name("web"), ALICE);
        lockkeeper.acquire(Fixture.request("web").unbatched());

        assertThat(lockkeeper.now(fix).requireGrant().cancelRequested())
                .as("asked for a run that is less urgent")
                .isFalse();
    }

    @Test
    void approved_run_does_in_the_queue_what_others_do_at_once() {
        declare("web", "{\"approvals_required\": 1, \"cancel_in_progress\": true, \"queue_mode\": \"latest_only\"}");
        Run holder = lockkeeper.acquire("web");
        lockkeeper.administration.approve(holder.id(), true, BOB);
        Run older = lockkeeper.acquire("web");
        Run newer = lockkeeper.acquire("web");

        lockkeeper.administration.approve(newer.id(), true, BOB);
        assertThat(lockkeeper.now(holder).requireGrant().cancelRequested()).isTrue();
        lockkeeper.administration.approve(older.id(), true, BOB);
        assertThat(lockkeeper.now(older))
                .as("it was approved after the newer one")
                .returns(RunStatus.SUPERSEDED, Run::status)
                .returns(newer.id(), Run::supersededBy);
    }

    @Test
    @Tag("invariant-11")
    void covered_change_is_not_handed_to_a_run_that_gives_way_too() {
        lockkeeper.acquire("web");
        Run one = lockkeeper.acquire(Fixture.request("web").latest());
        Run two = lockkeeper.acquire(Fixture.request("web").latest().unbatched());
        Run skipped = lockkeeper.acquire(Fixture.request("web").sha("a1b2c3d"));
        assertThat(skipped.status()).isEqualTo(RunStatus.SKIPPED);
        declare("web", "{\"queue_mode\": \"latest_only\"}");

        lockkeeper.acquire(Fixture.request("web").sha("e4f5a6b"));

        assertThat(lockkeeper.status(one)).isEqualTo(RunStatus.SUPERSEDED);
        assertThat(lockkeeper.status(two)).isEqualTo(RunStatus.SUPERSEDED);
        assertThat(lockkeeper.now(skipped).batch())
                .as("undeployed, for the newest run is pinned to its own sha")
                .isEqualTo(Fixture.receipt(two.id(), false, null));
    }

    @Test
    void hotfix_that_passes_a_freeze_does_not_give_way_to_a_run_that_does_not() {
        declare("web", "{\"queue_mode\": \"latest_only\"}");
        lockkeeper.acquire("web");
        Run hotfix = lockkeeper.acquire(Fixture.request("web").passingFreezes());
        lockkeeper.acquire(Fixture.request("web").high());
        assertThat(lockkeeper.status(hotfix)).isEqualTo(RunStatus.QUEUED);
    }

    @Test
    void cancel_in_progress_asks_only_a_deployment_that_the_new_run_covers() {
        declare("web", "{\"cancel_in_progress\": true}");
        Run holder = lockkeeper.acquire(Fixture.request("web").ref("main"));
        lockkeeper.acquire(Fixture.request("web").ref("other"));
        assertThat(lockkeeper.now(holder).requireGrant().cancelRequested()).isFalse();

        lockkeeper.acquire(Fixture.request("web").ref("main"));

        assertThat(lockkeeper.now(holder).requireGrant().cancel())
                .extracting(Grant.CancelRequest::cause)
                .isEqualTo(CancelCause.NEWER);
        assertThat(lockkeeper.heartbeat(holder))
                .isInstanceOfSatisfying(
                        RunOutcome.Renewed.class,
                        renewed -> assertThat(renewed.run().requireGrant().cancelRequested())
                                .isTrue());
    }

    @Test
    void batch_window_skips_what_comes_soon_after_a_run_that_covers_it() {
        declare("web", "{\"batch_window_seconds\": 60, \"batch_threshold\": 0}");
        lockkeeper.acquire(Fixture.request("web").latest());
        Run cover = lockkeeper.acquire(Fixture.request("web").latest());

        Run soon = lockkeeper.acquire(Fixture.request("web").latest());
        lockkeeper.passes(Duration.ofSeconds(61), cover);
        Run later = lockkeeper.acquire(Fixture.request("web").latest());

        assertThat(soon.batch()).isEqualTo(new Batch(cover.id(), true, null, SkipReason.BATCH_WINDOW));
        assertThat(later.status()).isEqualTo(RunStatus.QUEUED);
    }

    @Test
    void threshold_of_zero_skips_nothing() {
        declare("web", "{\"batch_threshold\": 0}");
        for (int i = 0; i < 20; i++) {
            assertThat(lockkeeper.acquire("web").status()).isNotEqualTo(RunStatus.SKIPPED);
        }
    }

    @Test
    void changed_threshold_counts_from_the_next_acquire() {
        lockkeeper.acquire("web");
        lockkeeper.acquire("web");
        declare("web", "{\"batch_threshold\": 2}");

        assertThat(lockkeeper.acquire("web").status()).isEqualTo(RunStatus.SKIPPED);
    }

    // Approvals

    @Test
    @Tag("invariant-3")
    void unapproved_run_holds_nothing_and_blocks_nobody_and_takes_its_place_by_id_once_approved() {
        declare("production", "{\"lock_group\": \"deploy\", \"approvals_required\": 1}");
        declare("production-auto", "{\"lock_group\": \"deploy\"}");
        Run person = lockkeeper.acquire("production");
        Run bot = lockkeeper.acquire("production-auto");
        Run nextBot = lockkeeper.acquire("production-auto");

        assertThat(person.status()).isEqualTo(RunStatus.AWAITING_APPROVAL);
        assertThat(bot.status()).isEqualTo(RunStatus.IN_PROGRESS);
        assertThat(lockkeeper.standing(person).blockers()).contains(new Blocker.Approval(1, 0));

        assertThat(outcomeStatus(lockkeeper.administration.approve(person.id(), true, BOB)))
                .isEqualTo(RunStatus.QUEUED);
        lockkeeper.touch(bot);
        lockkeeper.release(bot);
        assertThat(lockkeeper.status(person)).isEqualTo(RunStatus.IN_PROGRESS);
        assertThat(lockkeeper.status(nextBot)).isEqualTo(RunStatus.QUEUED);
    }

    @Test
    void approved_run_with_a_free_lock_is_granted_at_once() {
        declare("web", "{\"approvals_required\": 1}");
        Run run = lockkeeper.acquire("web");

        assertThat(outcomeStatus(lockkeeper.administration.approve(run.id(), true, BOB)))
                .isEqualTo(RunStatus.IN_PROGRESS);
        assertThat(audit()).contains("approved");
    }

    @Test
    void nobody_approves_their_own_run_nor_twice_nor_without_a_right_to() {
        declare("web", "{\"approvals_required\": 2, \"approvers\": [\"bob\", \"carol\"]}");
        Run run = lockkeeper.acquire(Fixture.request("web").caller("alice"));

        assertThat(lockkeeper.administration.approve(run.id(), true, ALICE)).isInstanceOf(AdminOutcome.OwnRun.class);
        assertThat(lockkeeper.administration.approve(run.id(), false, new Actor("mallory", null)))
                .isInstanceOf(AdminOutcome.NotAnApprover.class);
        lockkeeper.administration.approve(run.id(), false, BOB);
        assertThat(outcomeStatus(lockkeeper.administration.approve(run.id(), false, BOB)))
                .isEqualTo(RunStatus.AWAITING_APPROVAL);
        assertThat(outcomeStatus(lockkeeper.administration.approve(run.id(), false, new Actor("carol", null))))
                .isEqualTo(RunStatus.IN_PROGRESS);
        assertThat(lockkeeper.administration.approve(run.id(), true, BOB)).isInstanceOf(AdminOutcome.NotWaiting.class);
    }

    @Test
    void run_whose_approval_the_policy_no_longer_requires_is_for_admins_to_decide() {
        declare("web", "{\"approvals_required\": 1, \"approvers\": [\"bob\"]}");
        Run run = lockkeeper.acquire(Fixture.request("web").caller("carol"));
        declare("web", "{}");

        assertThat(lockkeeper.administration.approve(run.id(), false, BOB))
                .isInstanceOf(AdminOutcome.NotAnApprover.class);
        assertThat(lockkeeper.administration.reject(run.id(), false, BOB))
                .isInstanceOf(AdminOutcome.NotAnApprover.class);
        assertThat(outcomeStatus(lockkeeper.administration.approve(run.id(), true, BOB)))
                .isEqualTo(RunStatus.IN_PROGRESS);
    }

    @Test
    @Tag("invariant-11")
    void rejected_run_ends_with_the_reason_and_unapproved_one_with_the_time_out() {
        declare("web", "{\"approvals_required\": 1, \"approval_timeout_seconds\": 60}");
        Run rejected = lockkeeper.acquire("web");
        Run forgotten = lockkeeper.acquire("web");

        lockkeeper.administration.reject(rejected.id(), true, new Actor("bob", "not on a Friday"));
        lockkeeper.jdbc.update(
                "UPDATE run SET approval_expires_at = statement_timestamp() WHERE id = ?",
                forgotten.id().value());
        lockkeeper.sweep();

        assertThat(lockkeeper.now(rejected))
                .returns(RunStatus.REJECTED, Run::status)
                .returns("rejected by bob: not on a Friday", Run::statusReason);
        assertThat(lockkeeper.status(forgotten)).isEqualTo(RunStatus.TIMED_OUT);
    }

    @Test
    void fail_fast_says_that_an_approval_is_needed() {
        declare("web", "{\"approvals_required\": 1}");

        assertThat(lockkeeper.coordinator.acquire(
                        Fixture.request("web").failFast().build()))
                .isEqualTo(new AcquireOutcome.ApprovalRequired(1));
    }

    @Test
    void unapproved_change_is_not_slipped_into_an_approved_run() {
        declare("web", "{\"approvals_required\": 1, \"batch_threshold\": 1}");
        Run first = lockkeeper.acquire(Fixture.request("web").latest());
        lockkeeper.administration.approve(first.id(), true, BOB);
        Run approved = lockkeeper.acquire(Fixture.request("web").latest());
        lockkeeper.administration.approve(approved.id(), true, BOB);

        assertThat(lockkeeper.acquire(Fixture.request("web").latest()).status()).isEqualTo(RunStatus.AWAITING_APPROVAL);
    }

    // Promotion

    @Test
    void promotion_takes_the_last_success_there_and_for_a_rollback_what_succeeded_here() {
        declare("production", "{\"promote_from\": \"preprod\"}");
        assertThat(promote("v1")).isEqualTo(refusedPromotion(null));
        deploy("preprod", "v1");
        deploy("production", "v1");
        deploy("preprod", "v2");

        assertThat(promote("v1")).isEqualTo(refusedPromotion("v2"));
        assertThat(promote("v3")).isEqualTo(refusedPromotion("v2"));
        deploy("production", "v2");
        Run rollback =
                lockkeeper.acquire(Fixture.request("production").sha("v1").high());
        assertThat(rollback.status()).isEqualTo(RunStatus.IN_PROGRESS);
        assertThat(audit()).containsOnlyOnce("rollback");
        assertThat(lockkeeper.coordinator.acquire(
                        Fixture.request("production").sha("v3").high().build()))
                .isEqualTo(refusedPromotion("v2"));
    }

    @Test
    void deployment_counts_also_when_its_release_is_the_first_that_was_heard_of_it() {
        Run holder = lockkeeper.acquire(Fixture.request("preprod").sha("v1"));
        Run queued = lockkeeper.acquire(Fixture.request("preprod").sha("v2"));
        lockkeeper.release(holder);
        lockkeeper.release(queued);
        assertThat(lockkeeper.jdbc.queryForObject(
                        "SELECT last_success_sha FROM environment WHERE last_deployment_run = ?",
                        String.class,
                        queued.id().value()))
                .isEqualTo("v2");
    }

    @Test
    void queue_check_that_names_no_sha_is_answered_as_for_one_that_may_be_deployed() {
        declare("production", "{\"promote_from\": \"preprod\"}");
        deploy("preprod", "v1");
        for (int i = 0; i < 3; i++) {
            lockkeeper.acquire(Fixture.request("production").sha("v1").unbatched());
        }
        assertThat(lockkeeper
                        .coordinator
                        .check(Fixture.request("production").build())
                        .into())
                .isNotNull();
    }

    private AcquireOutcome promote(String sha) {
        return lockkeeper.coordinator.acquire(
                Fixture.request("production").sha(sha).build());
    }

    private static AcquireOutcome refusedPromotion(@Nullable String promotable) {
        return new AcquireOutcome.PromotionRequired(name("production"), name("preprod"), promotable);
    }

    private void deploy(String environment, String sha) {
        Run run = lockkeeper.acquire(Fixture.request(environment).sha(sha));
        assertThat(run.status()).isEqualTo(RunStatus.IN_PROGRESS);
        lockkeeper.release(run);
    }

    // Freezes

    @Test
    void frozen_environment_grants_nothing_and_says_why_and_goes_on_when_it_is_lifted() {
        Run holder = lockkeeper.acquire("web");
        Run queued = lockkeeper.acquire("web");
        freeze("web");

        lockkeeper.release(holder);
        assertThat(lockkeeper.status(queued)).isEqualTo(RunStatus.QUEUED);
        assertThat(lockkeeper.standing(queued).blockers())
                .singleElement()
                .isInstanceOfSatisfying(
                        Blocker.Frozen.class,
                        frozen -> assertThat(frozen.freeze().reason()).isEqualTo("because the test says so"));
        assertThat(lockkeeper.coordinator.acquire(
                        Fixture.request("web").failFast().build()))
                .isInstanceOf(AcquireOutcome.HeldBackNow.class);

        unfreeze("web");
        assertThat(lockkeeper.status(queued)).isEqualTo(RunStatus.IN_PROGRESS);
        assertThat(audit()).containsExactly("frozen", "unfrozen");
    }

    /** The sweeper has read what it will grant when the freeze comes. */
    @Test
    void freeze_of_all_environments_waits_for_the_sweeper() throws Exception {
        Run holder = lockkeeper.acquire("web");
        Run queued = lockkeeper.acquire("web");
        lockkeeper.passes(holder.lease(), holder);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
                Connection connection = lockkeeper.connection()) {
            connection.setAutoCommit(false);
            connection.createStatement().execute("SELECT FROM run WHERE id = " + queued.id() + " FOR UPDATE");
            Future<Integer> sweep = threads.submit(lockkeeper.coordinator::sweep);
            Fixture.await(() -> lockkeeper.isWaiting("transactionid"));
            Future<?> freeze = threads.submit(() -> lockkeeper.administration.freezeAll(FOREVER, ALICE));
            Fixture.await(() -> lockkeeper.isWaiting("advisory") || freeze.isDone());
            assertThat(freeze.isDone())
                    .as("nothing is under way when it returns")
                    .isFalse();
            connection.rollback();
            sweep.get();
            freeze.get();
        }
        assertThat(lockkeeper.status(queued)).isEqualTo(RunStatus.IN_PROGRESS);
    }

    @Test
    void runs_that_are_held_back_are_in_nobodys_way() {
        declare("production", "{\"lock_group\": \"deploy\"}");
        declare("production-auto", "{\"lock_group\": \"deploy\"}");
        Run holder = lockkeeper.acquire("production-auto");
        freeze("production");
        Run frozen = lockkeeper.acquire("production");
        Run next = lockkeeper.acquire("production-auto");
        Run hotfix = lockkeeper.acquire(Fixture.request("production").high());

        assertThat(lockkeeper.standing(next).position()).isEqualTo(1);
        assertThat(lockkeeper.standing(next).blockers()).hasOnlyElementsOfType(Blocker.Holder.class);
        assertThat(lockkeeper.standing(frozen).position())
                .as("its place when the freeze is lifted")
                .isEqualTo(2);
        assertThat(lockkeeper.standing(hotfix).position()).isEqualTo(1);
        lockkeeper.release(holder);
        assertThat(lockkeeper.status(next)).isEqualTo(RunStatus.IN_PROGRESS);
    }

    @Test
    void freeze_lifts_itself_at_its_end() {
        freeze("web");
        Run queued = lockkeeper.acquire("web");
        lockkeeper.jdbc.update("UPDATE environment_freeze SET until = statement_timestamp()");

        lockkeeper.sweep();

        assertThat(lockkeeper.status(queued)).isEqualTo(RunStatus.IN_PROGRESS);
    }

    @Test
    void freeze_of_all_environments_holds_all_of_them() {
        lockkeeper.administration.freezeAll(FOREVER, ALICE);
        Run web = lockkeeper.acquire("web");
        Run worker = lockkeeper.acquire("worker");
        assertThat(web.status()).isEqualTo(RunStatus.QUEUED);
        assertThat(worker.status()).isEqualTo(RunStatus.QUEUED);

        lockkeeper.administration.unfreezeAll(ALICE);

        assertThat(lockkeeper.status(web)).isEqualTo(RunStatus.IN_PROGRESS);
        assertThat(lockkeeper.status(worker)).isEqualTo(RunStatus.IN_PROGRESS);
    }

    @Test
    void own_freeze_and_that_of_all_environments_are_lifted_each_by_itself() {
        freeze("web");
        lockkeeper.administration.freezeAll(FOREVER, ALICE);
        Run web = lockkeeper.acquire("web");
        assertThat(lockkeeper.administration.unfreeze(new EnvironmentName("worker"), ALICE))
                .isInstanceOf(AdminOutcome.NotFrozen.class);

        unfreeze("web");
        assertThat(lockkeeper.standing(web).blockers())
                .singleElement()
                .isInstanceOfSatisfying(
                        Blocker.Frozen.class,
                        frozen -> assertThat(frozen.freeze().everywhere()).isTrue());
        freeze("web");
        lockkeeper.administration.unfreezeAll(ALICE);
        assertThat(lockkeeper.status(web)).isEqualTo(RunStatus.QUEUED);
        assertThat(lockkeeper.standing(web).blockers())
                .singleElement()
                .isInstanceOfSatisfying(
                        Blocker.Frozen.class,
                        frozen -> assertThat(frozen.freeze().everywhere()).isFalse());

        unfreeze("web");
        assertThat(lockkeeper.status(web)).isEqualTo(RunStatus.IN_PROGRESS);
    }

    @Test
    void window_of_the_policy_freezes_and_tells_its_end() {
        declare(
                "web",
                "{\"freeze_windows\": [{\"cron\": \"* * * * *\", \"time_zone\": \"UTC\", \"duration_seconds\": 3600, \"reason\": \"always\"}]}");

        Run run = lockkeeper.acquire("web");

        assertThat(run.status()).isEqualTo(RunStatus.QUEUED);
        assertThat(lockkeeper.standing(run).blockers())
                .singleElement()
                .isInstanceOfSatisfying(
                        Blocker.Frozen.class,
                        frozen -> assertThat(frozen.freeze().until()).isNotNull());
        declare("web", "{}");
        assertThat(lockkeeper.status(run)).isEqualTo(RunStatus.IN_PROGRESS);
    }

    @Test
    void windows_are_read_in_their_time_zone_and_end_when_they_should() {
        FreezeWindow friday = new FreezeWindow("0 16 * * FRI", "Europe/Berlin", Duration.ofHours(8), "weekend");
        // 2026-02-13 is a Friday; Berlin is an hour ahead of UTC.
        assertThat(friday.endIfWithin(java.time.Instant.parse("2026-02-13T14:59:59Z")))
                .isEmpty();
        assertThat(friday.endIfWithin(java.time.Instant.parse("2026-02-13T15:00:00Z")))
                .contains(java.time.Instant.parse("2026-02-13T23:00:00Z"));
        assertThat(friday.endIfWithin(java.time.Instant.parse("2026-02-13T22:59:59Z")))
                .contains(java.time.Instant.parse("2026-02-13T23:00:00Z"));
        assertThat(friday.endIfWithin(java.time.Instant.parse("2026-02-13T23:00:00Z")))
                .isEmpty();
        // In summer two hours.
        assertThat(friday.endIfWithin(java.time.Instant.parse("2026-07-10T14:00:00Z")))
                .isPresent();
    }

    @Test
    void high_run_of_an_admin_with_a_reason_passes_a_freeze_and_is_remembered_for_it() {
        freeze("web");

        assertThat(lockkeeper.acquire(Fixture.request("web").high()).status()).isEqualTo(RunStatus.QUEUED);
        assertThat(lockkeeper.acquire(Fixture.request("web").passingFreezes()).status())
                .isEqualTo(RunStatus.IN_PROGRESS);
        assertThat(audit()).contains("freeze_passed");
    }

    @Test
    void prioritized_run_goes_first_and_passes_a_freeze_only_if_that_is_said() {
        freeze("web");
        lockkeeper.acquire("web");
        Run hotfix = lockkeeper.acquire(Fixture.request("web").unbatched());

        lockkeeper.administration.prioritize(hotfix.id(), false, ALICE);
        assertThat(lockkeeper.standing(hotfix).position()).isEqualTo(1);
        assertThat(lockkeeper.status(hotfix)).isEqualTo(RunStatus.QUEUED);
        lockkeeper.administration.prioritize(hotfix.id(), true, ALICE);
        assertThat(lockkeeper.status(hotfix)).isEqualTo(RunStatus.IN_PROGRESS);
    }

    @Test
    @Tag("invariant-3")
    void runs_behind_a_long_frozen_queue_of_another_environment_of_the_group_are_found() {
        declare("production", "{\"lock_group\": \"deploy\", \"batch_threshold\": 0}");
        declare("production-auto", "{\"lock_group\": \"deploy\", \"batch_threshold\": 0}");
        freeze("production");
        for (int i = 0; i < 3 * Snapshot.WINDOW; i++) {
            assertThat(lockkeeper.acquire("production").status()).isEqualTo(RunStatus.QUEUED);
        }

        Run bot = lockkeeper.acquire("production-auto");
        Run nextBot = lockkeeper.acquire("production-auto");

        assertThat(bot.status()).isEqualTo(RunStatus.IN_PROGRESS);
        lockkeeper.release(bot);
        assertThat(lockkeeper.status(nextBot)).isEqualTo(RunStatus.IN_PROGRESS);
    }

    @Test
    @Tag("invariant-3")
    void runs_behind_many_that_wait_for_a_frozen_environment_of_theirs_are_found_in_order() {
        declare("web", "{\"batch_threshold\": 0}");
        freeze("worker");
        for (int i = 0; i < 3 * Snapshot.WINDOW; i++) {
            lockkeeper.acquire(Fixture.request("web", "worker").unbatched());
        }

        Run first = lockkeeper.acquire("web");
        Run second = lockkeeper.acquire("web");

        assertThat(first.status()).isEqualTo(RunStatus.IN_PROGRESS);
        lockkeeper.release(first);
        assertThat(lockkeeper.status(second)).isEqualTo(RunStatus.IN_PROGRESS);
    }

    @Test
    @Tag("invariant-4")
    void run_over_several_environments_with_one_frozen_holds_none_and_blocks_nobody() {
        freeze("c");
        Run all = lockkeeper.acquire("a", "b", "c");

        assertThat(lockkeeper.acquire("a").status()).isEqualTo(RunStatus.IN_PROGRESS);
        assertThat(lockkeeper.acquire("b").status()).isEqualTo(RunStatus.IN_PROGRESS);
        assertThat(lockkeeper.status(all)).isEqualTo(RunStatus.QUEUED);
    }

    // Forced release

    @Test
    void forced_release_hits_only_the_holder_that_was_seen_and_only_a_silent_one_unless_told_otherwise() {
        Run holder = lockkeeper.acquire("web");
        Run next = lockkeeper.acquire("web");
        FencingToken seen = holder.requireGrant().fencingToken();

        assertThat(force("web", new FencingToken(seen.value() + 1), true, ALICE))
                .isInstanceOf(AdminOutcome.HolderChanged.class);
        assertThat(force("web", seen, false, ALICE)).isInstanceOf(AdminOutcome.HolderAlive.class);
        assertThat(lockkeeper.status(holder)).isEqualTo(RunStatus.IN_PROGRESS);
        assertThat(outcomeStatus(force("web", seen, true, ALICE))).isEqualTo(RunStatus.PREEMPTED);

        assertThat(lockkeeper.heartbeat(holder)).isInstanceOf(RunOutcome.LeaseLost.class);
        assertThat(lockkeeper.release(holder)).isInstanceOf(RunOutcome.LeaseLost.class);
        assertThat(lockkeeper.status(next)).isEqualTo(RunStatus.IN_PROGRESS);
        assertThat(audit()).containsExactly("force_released_by_admin");
        assertThat(force("elsewhere", seen, true, ALICE)).isEqualTo(new AdminOutcome.NotHeld());
    }

    @Test
    void silent_holder_is_force_released_without_more_ado() {
        Run holder = lockkeeper.acquire("web");
        silent(holder);

        assertThat(outcomeStatus(force("web", holder.requireGrant().fencingToken(), false, ALICE)))
                .isEqualTo(RunStatus.PREEMPTED);
    }

    @Test
    void protected_environment_takes_two_admins_or_an_explanation() {
        declare("web", "{\"protected\": true}");
        Run holder = lockkeeper.acquire("web");
        FencingToken seen = holder.requireGrant().fencingToken();
        silent(holder);

        assertThat(force("web", seen, false, ALICE)).isInstanceOf(AdminOutcome.SecondAdminNeeded.class);
        assertThat(force("web", seen, false, ALICE)).isInstanceOf(AdminOutcome.SecondAdminNeeded.class);
        assertThat(force("web", seen, true, new Actor("alice", "short")))
                .isInstanceOf(AdminOutcome.SecondAdminNeeded.class);
        assertThat(outcomeStatus(force("web", seen, false, BOB))).isEqualTo(RunStatus.PREEMPTED);

        Run next = lockkeeper.acquire("web");
        assertThat(outcomeStatus(force("web", next.requireGrant().fencingToken(), true, ALICE)))
                .isEqualTo(RunStatus.PREEMPTED);
    }

    @Test
    void protected_deployment_is_protected_under_every_name_of_its_lock() {
        declare("production", "{\"protected\": true, \"lock_group\": \"deploy-production\"}");
        declare("production-auto", "{\"lock_group\": \"deploy-production\"}");
        Run holder = lockkeeper.acquire("dev", "production");
        FencingToken seen = holder.requireGrant().fencingToken();
        silent(holder);

        assertThat(force("production-auto", seen, false, ALICE)).isInstanceOf(AdminOutcome.SecondAdminNeeded.class);
        assertThat(force("dev", seen, false, ALICE)).isInstanceOf(AdminOutcome.SecondAdminNeeded.class);
        assertThat(lockkeeper.administration.forceRelease(
                        name("dev"), seen, true, place -> place.value().equals("dev"), ALICE))
                .as("an admin of dev alone")
                .isInstanceOf(AdminOutcome.NotAdminOfHolder.class);
        assertThat(lockkeeper.status(holder)).isEqualTo(RunStatus.IN_PROGRESS);

        Run next = lockkeeper.acquire("production-auto");
        assertThat(outcomeStatus(force("production", seen, false, BOB)))
                .as("the second admin may use another name")
                .isEqualTo(RunStatus.PREEMPTED);
        assertThat(lockkeeper.status(next)).isEqualTo(RunStatus.IN_PROGRESS);
    }

    @Test
    void run_that_was_just_granted_is_alive() {
        declare("web", "{\"approvals_required\": 1}");
        Run run = lockkeeper.acquire("web");
        silent(run);
        lockkeeper.administration.approve(run.id(), true, BOB);
        FencingToken seen = lockkeeper.now(run).requireGrant().fencingToken();
        assertThat(force("web", seen, false, ALICE)).isInstanceOf(AdminOutcome.HolderAlive.class);
    }

    private AdminOutcome force(String environment, FencingToken token, boolean evenIfAlive, Actor actor) {
        return lockkeeper.administration.forceRelease(name(environment), token, evenIfAlive, place -> true, actor);
    }

    private void silent(Run holder) {
        lockkeeper.jdbc.update(
                "UPDATE run SET last_contact_at = last_contact_at - interval '15 minutes' WHERE id = ?",
                holder.id().value());
    }

    // Quarantine

    @Test
    void failed_deployment_lets_only_high_runs_pass_until_somebody_acknowledges() {
        declare("web", "{\"on_failure\": \"quarantine\"}");
        Run failed = lockkeeper.acquire("web");
        Run queued = lockkeeper.acquire("web");
        lockkeeper.release(failed, Report.Result.FAILURE, null);

        assertThat(lockkeeper.status(queued)).isEqualTo(RunStatus.QUEUED);
        assertThat(lockkeeper.standing(queued).blockers()).singleElement().isInstanceOf(Blocker.Quarantined.class);
        Run fix = lockkeeper.acquire(Fixture.request("web").high());
        assertThat(fix.status()).isEqualTo(RunStatus.IN_PROGRESS);
        lockkeeper.release(fix);
        assertThat(lockkeeper.status(queued)).isEqualTo(RunStatus.QUEUED);

        lockkeeper.administration.acknowledge(name("web"), ALICE);
        assertThat(lockkeeper.status(queued)).isEqualTo(RunStatus.IN_PROGRESS);
        assertThat(audit()).contains("quarantined", "acknowledged");
    }

    @Test
    void lost_deployment_is_a_failed_one_and_a_cancelled_one_is_not() {
        declare("web", "{\"on_failure\": \"quarantine\"}");
        Run cancelled = lockkeeper.acquire("web");
        lockkeeper.release(cancelled, Report.Result.CANCELLED, null);
        Run lost = lockkeeper.acquire("web");
        assertThat(lost.status()).isEqualTo(RunStatus.IN_PROGRESS);
        Run queued = lockkeeper.acquire("web");

        lockkeeper.passes(lost.lease(), lost);
        lockkeeper.sweep();

        assertThat(lockkeeper.status(lost)).isEqualTo(RunStatus.EXPIRED);
        assertThat(lockkeeper.status(queued)).isEqualTo(RunStatus.QUEUED);
    }

    // Limits

    @Test
    void deployment_over_its_limit_is_asked_to_stop_and_then_expires_though_it_heartbeats() {
        declare("web", "{\"max_hold_seconds\": 600}");
        Run holder = lockkeeper.acquire("web");
        assertThat(holder.requireGrant().expiresAt())
                .as("no client trusts its lease for longer than the limit and the grace")
                .isEqualTo(holder.requireGrant().holdEndsAt());

        holds(Duration.ofMinutes(10), holder);
        lockkeeper.sweep();
        assertThat(lockkeeper.heartbeat(holder))
                .isInstanceOfSatisfying(
                        RunOutcome.Renewed.class,
                        renewed -> assertThat(renewed.run().requireGrant().cancel())
                                .extracting(Grant.CancelRequest::cause)
                                .isEqualTo(CancelCause.MAX_HOLD));
        holds(Duration.ofSeconds(60), holder);
        assertThat(lockkeeper.heartbeat(holder)).isInstanceOf(RunOutcome.LeaseLost.class);
        assertThat(lockkeeper.now(holder))
                .returns(RunStatus.EXPIRED, Run::status)
                .extracting(Run::statusReason)
                .asString()
                .contains("max_hold_seconds");
    }

    private void holds(Duration time, Run run) {
        lockkeeper.jdbc.update("""
                UPDATE run
                SET hold_expires_at = hold_expires_at - make_interval(secs => ?),
                    hold_ends_at = hold_ends_at - make_interval(secs => ?)
                WHERE id = ?""", time.toSeconds(), time.toSeconds(), run.id().value());
    }

    // The audit trail

    @Test
    void policy_change_is_audited_with_what_it_changed() {
        declare("web", "{\"batch_threshold\": 7}");

        assertThat(
                        lockkeeper.jdbc.queryForMap(
                                "SELECT actor, action, before ->> 'batch_threshold' AS was, after ->> 'batch_threshold' AS is FROM audit"))
                .isEqualTo(Map.of("actor", "alice", "action", "policy_changed", "was", "3", "is", "7"));
    }

    @Test
    void audit_trail_is_append_only() {
        declare("web", "{\"batch_threshold\": 7}");

        for (String sql : List.of("UPDATE audit SET actor = 'nobody'", "DELETE FROM audit")) {
            assertThat(org.assertj.core.api.Assertions.catchThrowable(() -> lockkeeper.jdbc.update(sql)))
                    .hasMessageContaining("append-only");
        }
    }
}
