package io.lockkeeper.notify;

import io.lockkeeper.coordination.Coordinator;
import io.lockkeeper.coordination.Doorbell;
import io.lockkeeper.coordination.LockReader;
import io.lockkeeper.coordination.RunReader;
import io.lockkeeper.database.SessionConnections;
import io.lockkeeper.event.EventReader;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.simple.JdbcClient;

@Configuration(proxyBeanMethods = false)
class WaitingConfiguration {
    /** How late the sweeper and the re-check are at most. */
    private static final Duration PAUSE = Duration.ofSeconds(1);

    private final UUID replica = UUID.randomUUID();

    @Bean
    WaitingRoom waitingRoom(WaitingProperties properties) {
        return new WaitingRoom(properties.waitingCallsTotal(), properties.waitingCalls());
    }

    @Bean(destroyMethod = "") // Closed by the lifecycle below.
    Announcer announcer(JdbcTemplate jdbc) {
        return new Announcer(jdbc, replica);
    }

    @Bean
    EventReader eventReader(JdbcClient jdbc) {
        return new EventReader(jdbc);
    }

    @Bean(destroyMethod = "") // Closed by the lifecycle below.
    EventTail eventTail(EventReader reader, WaitingRoom room) {
        return new EventTail(reader, room);
    }

    @Bean
    EventFeed eventFeed(EventReader reader, EventTail tail, WaitingRoom room) {
        return new EventFeed(reader, tail, room);
    }

    @Bean
    Doorbell doorbell(WaitingRoom room, EventTail events, Announcer announcer) {
        return new Bell(room, events, announcer);
    }

    @Bean
    RunWaiting runWaiting(Coordinator coordinator, RunReader reader, WaitingRoom room) {
        return new RunWaiting(coordinator, reader, room);
    }

    @Bean
    LockWaiting lockWaiting(LockReader reader, WaitingRoom room) {
        return new LockWaiting(reader, room);
    }

    @Bean
    SmartLifecycle waitingRoomLifecycle(WaitingRoom room) {
        return new OpenRoom(room);
    }

    @Bean
    SmartLifecycle waitingLifecycle(
            WaitingRoom room,
            EventTail events,
            Announcer announcer,
            Coordinator coordinator,
            JdbcTemplate jdbc,
            SessionConnections sessions) {
        Recheck recheck = new Recheck(jdbc, room);
        return new Background(
                events,
                announcer,
                new Listener(sessions::connect, room, events, replica),
                List.of(
                        new Routine("sweeper", PAUSE, () -> sweepUntilDone(coordinator)),
                        new Routine("re-check", PAUSE, recheck::run)));
    }

    private static void sweepUntilDone(Coordinator coordinator) {
        int moved = coordinator.sweep();
        while (moved > 0) {
            moved = coordinator.sweep();
        }
    }

    /** Closes first of all: parked calls are answered before the web server, which is next, waits for the calls that are under way. */
    private record OpenRoom(WaitingRoom room) implements SmartLifecycle {
        @Override
        public void start() {}

        @Override
        public void stop() {
            room.close();
        }

        @Override
        public boolean isRunning() {
            return !room.isClosed();
        }
    }

    /** What goes on beside the requests. */
    private static final class Background implements SmartLifecycle {
        private final EventTail events;
        private final Announcer announcer;
        private final Listener listener;
        private final List<Routine> routines;
        private volatile boolean running;

        Background(EventTail events, Announcer announcer, Listener listener, List<Routine> routines) {
            this.events = events;
            this.announcer = announcer;
            this.listener = listener;
            this.routines = routines;
        }

        @Override
        public void start() {
            running = true;
            events.start();
            announcer.start();
            listener.start();
            routines.forEach(Routine::start);
        }

        @Override
        public void stop() {
            running = false;
            events.close();
            routines.forEach(Routine::close);
            listener.close();
            announcer.close();
        }

        @Override
        public int getPhase() {
            return Routine.PHASE;
        }

        @Override
        public boolean isRunning() {
            return running;
        }
    }
}
