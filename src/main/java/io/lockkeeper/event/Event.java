package io.lockkeeper.event;

import io.lockkeeper.environment.EnvironmentName;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Something that happened.
 *
 * @param type such as {@code granted}; {@code docs/http-api.md} lists them
 * @param environments that it concerns; empty when it concerns none, as a new token does
 * @param runId null when it is not about a run
 * @param data a JSON object with what else is to be said
 */
public record Event(
        EventId id,
        Instant at,
        String type,
        List<String> environments,
        @Nullable Long runId,
        String data) {
    public Event {
        environments = List.copyOf(environments);
    }

    /** Whether somebody who follows only this environment is told. */
    public boolean concerns(EnvironmentName environment) {
        return environments.contains(environment.value()) || type.equals("frozen_all") || type.equals("unfrozen_all");
    }
}
