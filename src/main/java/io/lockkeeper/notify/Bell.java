package io.lockkeeper.notify;

import io.lockkeeper.coordination.Doorbell;
import io.lockkeeper.coordination.Wake;

/** Rings in this replica at once, and has the others told if somebody there may be waiting. */
final class Bell implements Doorbell {
    private final WaitingRoom room;
    private final Announcer announcer;

    Bell(WaitingRoom room, Announcer announcer) {
        this.room = room;
        this.announcer = announcer;
    }

    @Override
    public void ring(Wake wake) {
        room.ring(wake.runs(), wake.groups());
        if (wake.waitingRunChanged()) {
            announcer.announce(wake);
        }
    }
}
