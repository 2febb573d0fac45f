package io.lockkeeper.health;

/**
 * What one probe found.
 *
 * @param detail a sentence for people. It never has anything of the answer but its status code: who may read a status may not read the
 *     network that Lockkeeper runs in
 */
record Finding(Status status, String detail) {

    enum Status {
        HEALTHY,
        DEGRADED,
        UNHEALTHY
    }

    static Finding healthy(String detail) {
        return new Finding(Status.HEALTHY, detail);
    }

    static Finding degraded(String detail) {
        return new Finding(Status.DEGRADED, detail);
    }

    static Finding unhealthy(String detail) {
        return new Finding(Status.UNHEALTHY, detail);
    }
}
