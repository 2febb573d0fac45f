package io.lockkeeper.page;

import io.lockkeeper.history.PastRun;
import io.lockkeeper.history.RunStory;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The life of a run as sentences, oldest first. */
final class Timeline {

    /** The trail also tells of approvals, which have a place of their own, and of what the run's end says. */
    private static final Set<String> TOLD_OTHERWISE = Set.of("approved", "rejected_by", "force_released_by_admin");

    private Timeline() {}

    /** Something happened. */
    record Moment(Instant at, String text) {

        public String when() {
            return Words.at(at);
        }
    }

    static List<Moment> of(RunStory story) {
        PastRun run = story.run();
        List<Moment> moments = new ArrayList<>();
        moments.add(new Moment(run.created(), created(story)));
        story.approvals()
                .forEach(approval -> moments.add(new Moment(
                        approval.at(), "Approved by " + approval.approver() + said(approval.comment()) + ".")));
        story.decisions().stream()
                .filter(decision -> !TOLD_OTHERWISE.contains(decision.action()))
                .forEach(decision -> moments.add(new Moment(
                        decision.at(),
                        "%s by %s%s."
                                .formatted(
                                        capital(Words.status(decision.action()).replace(" by admin", "")),
                                        decision.actor(),
                                        said(decision.reason())))));
        add(
                moments,
                run.started(),
                "Granted, with fencing token " + run.fencingToken()
                        + (run.waitSeconds() == null ? "." : ", after " + Words.duration(run.waitSeconds()) + "."));
        if (story.pickedUp() != null && !story.pickedUp().equals(run.started())) {
            add(moments, story.pickedUp(), "Its client learned of the grant, and the lease began.");
        }
        add(moments, story.cancelRequested(), "Asked to stop" + said(story.cancelReason()) + ".");
        if (run.completed() == null && run.started() != null) {
            add(moments, story.lastContact(), "Its client was last heard.");
        }
        add(
                moments,
                run.completed(),
                "Ended: " + Words.status(run.status())
                        + (run.durationSeconds() == null ? "" : " after " + Words.duration(run.durationSeconds()))
                        + said(run.reason()) + "."
                        + (story.reportedStatus() != null
                                        && !story.reportedStatus().equals(run.status())
                                ? " Its client reported " + story.reportedStatus() + "."
                                : ""));
        moments.sort(Comparator.comparing(Moment::at));
        return List.copyOf(moments);
    }

    private static String created(RunStory story) {
        PastRun run = story.run();
        return "Asked for by " + Words.who(run.user()) + " with the token " + run.caller()
                + (run.priority().equals("high") ? ", with high priority" : "")
                + (story.approvalsRequired() == 0
                        ? ""
                        : "; it takes " + Words.count(story.approvalsRequired(), "approval"))
                + ".";
    }

    private static void add(List<Moment> moments, @Nullable Instant at, String text) {
        if (at != null) {
            moments.add(new Moment(at, text));
        }
    }

    private static String said(@Nullable String text) {
        return text == null || text.isBlank() ? "" : ": " + text;
    }

    private static String capital(String text) {
        return text.substring(0, 1).toUpperCase(Locale.ROOT) + text.substring(1);
    }
}
