package io.lockkeeper;

import java.io.IOException;
import java.net.ServerSocket;

/**
 * Ports for the services that tests start as processes. They are below 32768, where the operating system takes none for connections: one that
 * it had given us could be somebody's by the time the process listens on it.
 */
public final class Ports {
    private static final int FIRST = 20_000;
    private static final int RANGE = 12_000;

    // Test JVMs that run side by side begin in different places.
    private static int next = (int) (ProcessHandle.current().pid() * 101 % RANGE);

    private Ports() {}

    /** A port that nobody listens on, and that no other test of this JVM gets soon. */
    public static synchronized int free() {
        for (int attempt = 0; attempt < RANGE; attempt++) {
            int port = FIRST + next;
            next = (next + 1) % RANGE;
            if (isFree(port)) {
                return port;
            }
        }
        throw new IllegalStateException("no port between " + FIRST + " and " + (FIRST + RANGE) + " is free");
    }

    private static boolean isFree(int port) {
        try (var socket = new ServerSocket(port)) {
            return socket.isBound();
        } catch (IOException taken) {
            return false;
        }
    }
}
