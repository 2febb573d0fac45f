package io.lockkeeper.coordination;

/** Told of every committed change. Ringing it decides nothing: whoever hears it looks at the rows. */
@FunctionalInterface
public interface Doorbell {
    void ring(Wake wake);
}
