package io.lockkeeper.coordination;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** After a time in which no replica could hear the clients, none of them is punished for its silence. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class OutageTest {
    private final Fixture lockkeeper = new Fixture();

    @AfterEach
    void close() {
        lockkeeper.close();
    }

    @Test
    @Tag("invariant-10")
    void nobody_is_abandoned_before_the_first_sweep_after_an_outage() {
        Run holder = lockkeeper.acquire("production");
        Run queued = lockkeeper.acquire("production");
        lockkeeper.passes(Fixture.TIMING.presence(), queued);
        lockkeeper.outage();

        lockkeeper.heartbeat(holder);
        assertThat(lockkeeper.status(queued)).isEqualTo(RunStatus.QUEUED);

        lockkeeper.release(holder);
        assertThat(lockkeeper.status(queued)).isEqualTo(RunStatus.IN_PROGRESS);
        lockkeeper.passes(Fixture.TIMING.pickUp(), queued);
        lockkeeper.acquire("production");
        assertThat(lockkeeper.now(queued).awaitsPickUp()).isTrue();
    }

    @Test
    @Tag("invariant-10")
    void first_sweep_after_an_outage_gives_waiting_clients_their_time_anew() {
        Run holder = lockkeeper.acquire("production");
        Run queued = lockkeeper.acquire("production");
        Run unnoticed = grantedAfterWaiting("staging");
        lockkeeper.passes(Fixture.TIMING.presence().plusSeconds(5), queued);
        lockkeeper.passes(Fixture.TIMING.pickUp().plusSeconds(5), unnoticed);
        lockkeeper.outage();

        lockkeeper.sweep();

        lockkeeper.passes(Fixture.TIMING.presence().minusSeconds(20), queued);
        lockkeeper.passes(Fixture.TIMING.pickUp().minusSeconds(20), unnoticed);
        lockkeeper.sweep();
        assertThat(lockkeeper.status(queued)).isEqualTo(RunStatus.QUEUED);
        assertThat(lockkeeper.now(unnoticed).awaitsPickUp()).isTrue();

        lockkeeper.passes(Duration.ofSeconds(20), queued);
        lockkeeper.passes(Duration.ofSeconds(20), unnoticed);
        lockkeeper.sweep();
        assertThat(lockkeeper.status(queued)).isEqualTo(RunStatus.ABANDONED);
        assertThat(lockkeeper.status(unnoticed)).isEqualTo(RunStatus.ABANDONED);
        assertThat(lockkeeper.status(holder)).isEqualTo(RunStatus.IN_PROGRESS);
    }

    @Test
    void outage_prolongs_neither_leases_nor_queue_time_outs() {
        Run holder = lockkeeper.acquire("production");
        Run queued = lockkeeper.acquire(Fixture.request("production").queueTimeout(Duration.ofMinutes(10)));
        lockkeeper.passes(holder.lease(), holder);
        lockkeeper.passes(Duration.ofMinutes(10), queued);
        lockkeeper.outage();

        lockkeeper.sweep();

        assertThat(lockkeeper.status(holder)).isEqualTo(RunStatus.EXPIRED);
        assertThat(lockkeeper.status(queued)).isEqualTo(RunStatus.TIMED_OUT);
    }

    /** The sweeper forgives without the groups' locks; it must not keep those rows, nor wait for a group that a transition holds. */
    @Test
    @Tag("invariant-4")
    void sweeper_after_an_outage_and_a_transition_never_wait_for_each_other() throws Exception {
        Run dead = lockkeeper.acquire("production");
        Run queued = lockkeeper.acquire("production");
        lockkeeper.passes(dead.lease(), dead); // So that the sweeper wants the group's lock too.
        lockkeeper.outage();
        try (Connection transition = lockkeeper.database.dataSource().getConnection()) {
            transition.setAutoCommit(false);
            transition.createStatement().execute("SELECT pg_advisory_xact_lock(group_lock_key('production'))");
            lockkeeper.sweep();

            transition.createStatement().execute("SET LOCAL lock_timeout = '5s'");
            transition
                    .createStatement()
                    .execute("UPDATE run SET last_contact_at = clock_timestamp() WHERE id = " + queued.id());
            transition.commit();
        }
        lockkeeper.sweep();
        assertThat(lockkeeper.status(queued)).isEqualTo(RunStatus.IN_PROGRESS);
    }

    /** Its machine is paused, or its network is gone, between the two round trips of a transition. */
    @Test
    @Tag("invariant-12")
    void replica_that_is_frozen_in_the_middle_of_a_transition_does_not_stop_the_others() throws Exception {
        Run dead = lockkeeper.acquire("staging");
        lockkeeper.passes(dead.lease(), dead);
        try (Connection frozen = lockkeeper.database.dataSource().getConnection()) {
            frozen.setAutoCommit(false);
            Transactions.begin()
                    .add(
                            Sql.parse("SELECT pg_advisory_xact_lock(group_lock_key('production'))"),
                            Map.of(),
                            RoundTrip.IGNORE)
                    .run(frozen);

            lockkeeper.sweep();
            assertThat(lockkeeper.status(dead)).as("in another group").isEqualTo(RunStatus.EXPIRED);
            assertThat(lockkeeper.acquire("production").status())
                    .as("when the database has given the frozen one up")
                    .isEqualTo(RunStatus.IN_PROGRESS);
        }
    }

    private Run grantedAfterWaiting(String environment) {
        Run holder = lockkeeper.acquire(environment);
        Run granted = lockkeeper.acquire(environment);
        lockkeeper.release(holder);
        return granted;
    }
}
