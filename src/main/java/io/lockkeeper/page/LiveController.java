package io.lockkeeper.page;

import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.event.Event;
import io.lockkeeper.notify.EventFeed;
import io.lockkeeper.notify.EventFeed.Next;
import io.lockkeeper.notify.EventFeed.Opening;
import io.lockkeeper.security.Caller;
import io.lockkeeper.security.Role;
import io.lockkeeper.web.RunDecisions;
import io.lockkeeper.web.RunProblems;
import io.lockkeeper.web.ValidEnvironment;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.http.MediaType;
import org.springframework.stereotype.Controller;
import org.springframework.transaction.TransactionException;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;

/**
 * What moves on an open page, as server-sent events that hold Turbo streams: rendered parts, each to take the place of the one that the page has. The
 * page shows what it was given last and that it is not live when these stop; it needs to know nothing else.
 */
@Controller
class LiveController {
    private static final Logger LOG = LoggerFactory.getLogger(LiveController.class);

    /** Also how old what moves with time alone is at most: an estimate, a holder that falls silent, a recurring freeze that begins. */
    private static final Duration LONGEST_SILENCE = Duration.ofSeconds(15);

    /** Then the page asks anew, with a session that may have ended. */
    private static final Duration LONGEST_STREAM = Duration.ofMinutes(5);

    private final EventFeed feed;
    private final Fragments fragments;

    LiveController(EventFeed feed, Fragments fragments) {
        this.feed = feed;
        this.fragments = fragments;
    }

    /** The parts of one environment's page, or of the overview. */
    private final class View {
        private final Caller caller;
        private final @Nullable EnvironmentName only;
        private final Set<EnvironmentName> shown = new HashSet<>();

        View(Caller caller, @Nullable EnvironmentName only) {
            this.caller = caller;
            this.only = only;
        }

        Set<EnvironmentName> all() {
            return only == null
                    ? new LinkedHashSet<>(fragments.visible(name -> caller.may(Role.VIEW, name)))
                    : Set.of(only);
        }

        /** Those whose parts an event may have changed. */
        Set<EnvironmentName> concernedBy(List<Event> events) {
            Set<EnvironmentName> concerned = new LinkedHashSet<>();
            for (Event event : events) {
                if (event.type().equals("frozen_all") || event.type().equals("unfrozen_all")) {
                    return all();
                }
                event.environments().forEach(name -> concerned.addAll(fragments.sharing(name)));
            }
            concerned.removeIf(name -> only == null ? !caller.may(Role.VIEW, name.value()) : !name.equals(only));
            return concerned;
        }

        String render(Set<EnvironmentName> environments) {
            StringBuilder text = new StringBuilder();
            long now = System.nanoTime();
            for (EnvironmentName name : environments) {
                Shared<@Nullable String> part = only == null ? fragments.card(name) : fragments.sheet(name);
                String html = part.get(now);
                if (html != null) {
                    text.append(message(name, html));
                }
            }
            return text.toString();
        }

        /** A new environment gets a place at the end. */
        private String message(EnvironmentName name, String html) {
            boolean isNew = shown.add(name);
            String stream = "<turbo-stream action=\"replace\" method=\"morph\" target=\"environment-" + name
                    + "\"><template>" + html + "</template></turbo-stream>";
            return event(only == null && isNew ? place(name) + stream : stream);
        }

        /** The page's script knows this action; it does nothing when there is such a place. */
        private String place(EnvironmentName name) {
            return "<turbo-stream action=\"place\" place=\"environment-" + name
                    + "\" target=\"environments\"></turbo-stream>";
        }

        private String event(String data) {
            StringBuilder event = new StringBuilder();
            data.lines().forEach(line -> event.append("data: ").append(line).append('\n'));
            return event.append('\n').toString();
        }
    }

    @GetMapping(path = "/live", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
    void live(
            Caller caller,
            @RequestParam(required = false) @ValidEnvironment @Nullable String environment,
            HttpServletResponse response)
            throws IOException, InterruptedException {
        if (environment != null) {
            RunDecisions.requireView(caller, List.of(environment));
        }
        switch (feed.open(caller.name(), null, null)) {
            case Opening.TooManyWaiting full -> throw RunProblems.tooManyWaiting(full.bound());
            case Opening.Open open -> {
                try (EventFeed.Stream stream = open.stream()) {
                    response.setContentType(MediaType.TEXT_EVENT_STREAM_VALUE);
                    response.setHeader("X-Accel-Buffering", "no");
                    follow(
                            stream,
                            new View(caller, environment == null ? null : new EnvironmentName(environment)),
                            response.getOutputStream());
                } catch (DataAccessException | TransactionException e) {
                    // The page says that it is not live, and comes back.
                    LOG.debug("An open page is let go, since the database cannot be asked: {}", e.getMessage());
                }
            }
        }
    }

    private static void follow(EventFeed.Stream stream, View view, OutputStream out)
            throws IOException, InterruptedException {
        long end = System.nanoTime() + LONGEST_STREAM.toNanos();
        // What has happened since the page was rendered.
        send(out, "retry: 1000\n\n" + view.render(view.all()));
        while (System.nanoTime() < end) {
            switch (stream.next(LONGEST_SILENCE)) {
                case Next.Events next -> send(out, view.render(view.concernedBy(next.events())));
                case Next.Silence _ -> send(out, view.render(view.all()) + "event: alive\ndata: \n\n");
                case Next.Stopping _ -> {
                    return;
                }
            }
        }
    }

    private static void send(OutputStream out, String text) throws IOException {
        if (!text.isEmpty()) {
            out.write(text.getBytes(StandardCharsets.UTF_8));
            out.flush();
        }
    }
}
