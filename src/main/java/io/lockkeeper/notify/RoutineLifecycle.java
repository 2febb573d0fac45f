package io.lockkeeper.notify;

import org.springframework.context.SmartLifecycle;

/** A routine that goes on beside the requests for as long as the service runs. */
public final class RoutineLifecycle implements SmartLifecycle {
    private final Routine routine;
    private final Runnable interruption;
    private volatile boolean running;

    /** For a routine whose rounds are short. */
    public RoutineLifecycle(Routine routine) {
        this(routine, () -> {});
    }

    /**
     * For a routine whose rounds may be long.
     *
     * @param interruption has the round under way end early
     */
    public RoutineLifecycle(Routine routine, Runnable interruption) {
        this.routine = routine;
        this.interruption = interruption;
    }

    @Override
    public void start() {
        running = true;
        routine.start();
    }

    @Override
    public void stop() {
        running = false;
        interruption.run();
        routine.close();
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
