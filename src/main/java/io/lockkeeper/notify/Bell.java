package io.lockkeeper.notify;

import io.lockkeeper.coordination.Doorbell;
import io.lockkeeper.coordination.Wake;

/** Rings in this replica at once, and has the others told if somebody there may be waiting. */
final class Bell implements Doorbell {
    private final WaitingRoom room;
    private final EventTail events;
    private final Announcer announcer;

    Bell(WaitingRoom room, EventTail events, Announcer announcer) {
        this.room = room;
        this.events = events;
        this.announcer = announcer;
    }

    @Override
    public void ring(Wake wake) {
        room.ring(wake.runs(), wake.groups());
        events.ring();
        if (wake.waitingRunChanged()) {
            announcer.announce(wake);
        }
    }
}
