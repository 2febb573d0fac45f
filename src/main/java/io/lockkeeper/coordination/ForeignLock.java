package io.lockkeeper.coordination;

import java.time.Duration;

/**
 * A lock in another tool's protocol that a run stands for. Such a lock names no change, so its run takes its turn like any other and
 * deploys nothing: it becomes no environment's last deployment, needs no promotion and promotes nothing, and neither covers, replaces nor
 * stops other runs, nor they it. Its lock token is shown to nobody.
 *
 * @param id as the tool calls it, at most {@value #LONGEST_ID} characters
 * @param info as the tool describes it, to be told to whoever asks in the tool's way
 * @param presence how long its client may say nothing, at least a second: while it waits, and until it has learned of its grant. The tool asks
 *     at intervals of its own, and does not say when it gives up
 */
public record ForeignLock(String id, String info, Duration presence) {
    public static final int LONGEST_ID = 64;

    public ForeignLock {
        if (id.isEmpty() || id.length() > LONGEST_ID || presence.toSeconds() < 1) {
            throw new IllegalArgumentException("a lock has an id of 1 to " + LONGEST_ID + " characters and a presence");
        }
    }
}
