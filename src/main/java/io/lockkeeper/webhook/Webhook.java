package io.lockkeeper.webhook;

import io.lockkeeper.event.Event;
import io.lockkeeper.security.EnvironmentPattern;
import java.net.URI;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * One webhook as the configuration declares it.
 *
 * @param url where it goes; a secret as a whole, since chats put theirs into the path
 * @param keys each signs; two while receivers change from one to the other, none for a chat
 * @param events types that it is told of; {@link EventTypes#EVERY} for all
 * @param environments whose events it is told of
 */
record Webhook(
        String name,
        URI url,
        List<SigningKey> keys,
        Format format,
        Set<String> events,
        List<EnvironmentPattern> environments) {

    /** What a receiver gets. */
    enum Format {
        JSON,
        SLACK
    }

    Webhook {
        keys = List.copyOf(keys);
        events = new TreeSet<>(events);
        environments = List.copyOf(environments);
    }

    /** What concerns no environment or every one is for those that leave none out, and a freeze of all for everybody. */
    boolean wants(Event event) {
        if (!events.contains(EventTypes.EVERY) && !events.contains(event.type())) {
            return false;
        }
        if (EventTypes.OF_ALL_ENVIRONMENTS.contains(event.type())) {
            return true;
        }
        return event.environments().isEmpty()
                ? environments.stream().anyMatch(EnvironmentPattern::matchesEverything)
                : event.environments().stream()
                        .anyMatch(
                                environment -> environments.stream().anyMatch(pattern -> pattern.matches(environment)));
    }

    /** The URL without what may be a secret: credentials, path and query. */
    String origin() {
        return url.getScheme() + "://" + url.getHost() + (url.getPort() < 0 ? "" : ":" + url.getPort());
    }

    @Override
    public String toString() {
        return "Webhook[" + name + "]";
    }
}
