package io.lockkeeper.web;

import io.lockkeeper.coordination.LockReader;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.event.Event;
import io.lockkeeper.event.EventId;
import io.lockkeeper.notify.EventFeed;
import io.lockkeeper.notify.EventFeed.Next;
import io.lockkeeper.notify.EventFeed.Opening;
import io.lockkeeper.security.Caller;
import io.lockkeeper.security.Role;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.json.JsonMapper;

/** The events as server-sent events (WHATWG HTML, 9.2): a text that goes on, written by the request's own virtual thread. */
@RestController
class EventController {
    private static final String HEADER = "Last-Event-ID";
    private static final String PARAMETER = "last_event_id";

    /** Proxies cut what is silent for a minute; some after thirty seconds. A client that has gone is noticed by writing to it. */
    private static final Duration LONGEST_SILENCE = Duration.ofSeconds(15);

    /** Then the client comes back and shows its token again, which may have been revoked. */
    private static final Duration LONGEST_STREAM = Duration.ofHours(1);

    private final EventFeed feed;
    private final LockReader locks;
    private final KnownEnvironments environments;
    private final JsonMapper json;

    EventController(EventFeed feed, LockReader locks, KnownEnvironments environments, JsonMapper json) {
        this.feed = feed;
        this.locks = locks;
        this.environments = environments;
        this.json = json;
    }

    @GetMapping(path = "/api/admin/events", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
    void events(
            Caller caller,
            HttpMethod method,
            @RequestParam(required = false) @ValidEnvironment @Nullable String environment,
            @RequestHeader(name = HEADER, required = false) @Nullable String header,
            @RequestParam(name = PARAMETER, required = false) @Nullable String parameter,
            HttpServletResponse response)
            throws IOException, InterruptedException {
        EventId after = lastEventId(header, parameter);
        EnvironmentName only = environment == null ? null : known(caller, environment);
        switch (feed.open(caller.name(), after, only)) {
            case Opening.TooManyWaiting full -> throw RunProblems.tooManyWaiting(full.bound());
            case Opening.Open open -> {
                try (EventFeed.Stream stream = open.stream()) {
                    response.setContentType(MediaType.TEXT_EVENT_STREAM_VALUE);
                    response.setHeader(HttpHeaders.CACHE_CONTROL, "no-store");
                    // Tells nginx, and those who learnt it from there, to pass on what comes when it comes.
                    response.setHeader("X-Accel-Buffering", "no");
                    if (!method.equals(HttpMethod.HEAD)) {
                        follow(stream, caller, response.getOutputStream());
                    }
                }
            }
        }
    }

    /** The header is newer: an EventSource repeats the address, parameter included, and adds the header when it reconnects. */
    private static @Nullable EventId lastEventId(@Nullable String header, @Nullable String parameter) {
        String field = header == null ? PARAMETER : HEADER;
        String text = header == null ? parameter : header;
        if (text == null || text.isEmpty()) {
            return null;
        }
        return EventId.parse(text)
                .orElseThrow(() -> Problem.invalidField(
                                field,
                                field
                                        + " must be the id of an event, such as 771-42. Leave it out to begin with what comes"
                                        + " from now on.")
                        .asException());
    }

    private EnvironmentName known(Caller caller, String environment) {
        Requests.require(caller, Role.VIEW, environment);
        var name = new EnvironmentName(environment);
        if (locks.find(name).isEmpty()) {
            environments.requireDefault(name);
        }
        return name;
    }

    private void follow(EventFeed.Stream stream, Caller caller, OutputStream out)
            throws IOException, InterruptedException {
        long end = System.nanoTime() + LONGEST_STREAM.toNanos();
        // An id without data moves a client's place and shows it nothing: one that loses the link before the first
        // event, or while only
        // others have events, resumes without a gap.
        send(out, "retry: 1000\n" + id(stream) + (stream.beginsWithGap() ? gap() : "") + "\n");
        long sentAt = System.nanoTime();
        while (System.nanoTime() < end) {
            Duration patience = LONGEST_SILENCE.minusNanos(System.nanoTime() - sentAt);
            String text;
            switch (stream.next(patience.isNegative() ? Duration.ZERO : patience)) {
                case Next.Events next -> text = text(next.events(), caller);
                case Next.Silence _ -> text = ": still here\n" + id(stream) + "\n";
                case Next.Stopping _ -> {
                    return;
                }
            }
            if (!text.isEmpty()) {
                send(out, text);
                sentAt = System.nanoTime();
            }
        }
    }

    private static void send(OutputStream out, String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.UTF_8));
        out.flush();
    }

    private static String id(EventFeed.Stream stream) {
        return "id: " + stream.position() + "\n";
    }

    private String gap() {
        return "event: gap\ndata: "
                + json.writeValueAsString(Map.of(
                        "type",
                        "gap",
                        "detail",
                        "Events after your last one are not kept any more. Reload the status, then go on with the events"
                                + " that follow."))
                + "\n";
    }

    private String text(List<Event> events, Caller caller) {
        var text = new StringBuilder();
        for (Event event : events) {
            if (mayRead(caller, event)) {
                text.append("id: ").append(event.id());
                text.append("\nevent: ").append(event.type());
                text.append("\ndata: ").append(data(event)).append("\n\n");
            }
        }
        return text.toString();
    }

    /** As with runs: all environments that it names. Tokens are the affair of those who make them, and webhooks of the same. */
    private static boolean mayRead(Caller caller, Event event) {
        if (event.type().startsWith("token_") || event.type().startsWith("webhook_")) {
            return caller.mayEverywhere(Role.ADMIN);
        }
        return event.environments().isEmpty()
                ? caller.may(Role.VIEW, null)
                : event.environments().stream().allMatch(environment -> caller.may(Role.VIEW, environment));
    }

    /** One line: JSON escapes every line break. */
    private String data(Event event) {
        var members = new LinkedHashMap<String, @Nullable Object>();
        members.put("type", event.type());
        members.put("at", event.at());
        members.put(
                "environment",
                event.environments().isEmpty() ? null : event.environments().getFirst());
        members.put("environments", event.environments());
        members.put("run_id", event.runId());
        json.readTree(event.data())
                .properties()
                .forEach(member -> members.putIfAbsent(member.getKey(), member.getValue()));
        return json.writeValueAsString(members);
    }
}
