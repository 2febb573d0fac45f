package io.lockkeeper.notify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lockkeeper.TestDatabase;
import io.lockkeeper.coordination.RunId;
import io.lockkeeper.coordination.RunStatus;
import io.lockkeeper.coordination.Wake;
import io.lockkeeper.environment.LockGroup;
import io.lockkeeper.event.EventReader;
import java.time.Duration;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.simple.JdbcClient;

/** What tells a waiting call of a change that another replica made: the announcement, and without one the re-check. */
class AnnouncementTest {
    private static final RunId RUN = new RunId(7);
    private static final Wake WAKE = new Wake(Set.of(RUN), Set.of(new LockGroup("production")), true);
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final TestDatabase database = TestDatabase.migrated();
    private final JdbcTemplate jdbc = new JdbcTemplate(database.dataSource());
    private final WaitingRoom room = new WaitingRoom(10, 10);
    private final EventTail events = new EventTail(new EventReader(JdbcClient.create(database.dataSource())), room);

    @Test
    void announcement_of_one_replica_rings_in_the_waiting_room_of_another() throws Exception {
        try (Announcer announcer = new Announcer(jdbc, UUID.randomUUID());
                Listener _ = listening(UUID.randomUUID());
                WaitingRoom.Place place = enter(new WaitingRoom.Subject.OfRun(RUN))) {
            announcer.start();

            announcer.announce(WAKE);

            assertThat(place.await(PATIENCE, RunStatus.QUEUED)).isTrue();
        }
    }

    @Test
    void lock_group_is_announced_too() throws Exception {
        try (Announcer announcer = new Announcer(jdbc, UUID.randomUUID());
                Listener _ = listening(UUID.randomUUID());
                WaitingRoom.Place place = enter(new WaitingRoom.Subject.OfGroup(new LockGroup("production")))) {
            announcer.start();

            announcer.announce(WAKE);

            assertThat(place.await(PATIENCE, null)).isTrue();
        }
    }

    @Test
    void re_check_rings_for_a_run_that_changed_without_an_announcement() throws Exception {
        try (WaitingRoom.Place place = enter(new WaitingRoom.Subject.OfRun(RUN));
                WaitingRoom.Place other = enter(new WaitingRoom.Subject.OfRun(RUN))) {
            FutureTask<Boolean> rung = new FutureTask<>(() -> place.await(PATIENCE, RunStatus.QUEUED));
            Thread.ofVirtual().start(rung);
            // Somebody else who came later has seen what is so now.
            Thread.ofVirtual().start(new FutureTask<>(() -> other.await(PATIENCE, RunStatus.CANCELLED)));
            await().until(() -> room.runs().getOrDefault(RUN, Set.of()).size() == 2);
            jdbc.update("""
                    INSERT INTO run (id, environments, status, status_reason, priority, coverage, lease_seconds, created_at, completed_at,
                                     last_contact_at, lock_token_nonce, lock_token_digest, caller, request_digest, batch_key)
                    OVERRIDING SYSTEM VALUE
                    SELECT ?, '{production}', 'cancelled', 'for the test', 1, 'pinned', 60, now(), now(), now(), gen_random_uuid(), '', '', '', ''""", RUN.value());

            new Recheck(jdbc, room).run();

            assertThat(rung.get()).isTrue();
        }
    }

    private WaitingRoom.Place enter(WaitingRoom.Subject subject) {
        return (WaitingRoom.Place) room.enter(subject, "somebody");
    }

    /** Returns when the database has noted that it listens. */
    private Listener listening(UUID replica) {
        Listener listener = new Listener(() -> database.dataSource().getConnection(), room, events, replica);
        listener.start();
        await().until(() -> Boolean.TRUE.equals(jdbc.queryForObject(
                "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%')",
                Boolean.class)));
        return listener;
    }
}
