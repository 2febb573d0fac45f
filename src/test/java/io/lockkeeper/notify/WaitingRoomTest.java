package io.lockkeeper.notify;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.coordination.RunId;
import io.lockkeeper.notify.WaitingRoom.Full;
import io.lockkeeper.notify.WaitingRoom.Place;
import io.lockkeeper.notify.WaitingRoom.Subject;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;

/** How many calls may wait, of all callers and of one. */
class WaitingRoomTest {
    private static final Subject RUN = new Subject.OfRun(new RunId(1));

    private final WaitingRoom room = new WaitingRoom(3, 2);

    @Test
    void caller_takes_its_share_and_leaves_the_rest_to_others() {
        Place first = (Place) room.enter(RUN, "loud");
        room.enter(RUN, "loud");

        assertThat(room.enter(RUN, "loud")).isEqualTo(new Full(WaitingBound.CALLER));
        assertThat(room.enter(RUN, "quiet")).isInstanceOf(Place.class);
        assertThat(room.enter(RUN, "another")).isEqualTo(new Full(WaitingBound.REPLICA));

        first.close();
        assertThat(room.enter(RUN, "loud")).isInstanceOf(Place.class);
    }

    @Test
    void nobody_is_counted_who_has_left_or_was_refused() throws Exception {
        List<Callable<Integer>> visits = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            String caller = "caller-" + i % 5;
            visits.add(() -> switch (room.enter(RUN, caller)) {
                case Full _ -> 0;
                case Place place -> {
                    place.close();
                    yield 1;
                }
            });
        }
        try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
            threads.invokeAll(visits);
        }

        assertThat(room.occupancy()).isZero();
        assertThat(room.callers()).isZero();
    }
}
