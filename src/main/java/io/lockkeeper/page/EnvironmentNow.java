package io.lockkeeper.page;

import io.lockkeeper.status.DeploymentStatus;
import io.lockkeeper.status.DeploymentStatus.Frozen;
import io.lockkeeper.status.DeploymentStatus.QueuedRun;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What goes on in an environment, in the words of the page; the templates only place them.
 *
 * @param state free, held, frozen or quarantined: what somebody should know who wants to deploy
 * @param headline the state in words
 * @param notShown how many queued runs there are beyond those in {@code queue}
 * @param alerts what somebody should look at
 * @param health a sentence; null while all is well
 */
record EnvironmentNow(
        String name,
        String lockGroup,
        String state,
        String headline,
        @Nullable Holder holder,
        List<Waiting> queue,
        int notShown,
        List<Approval> approvals,
        List<Undeployed> undeployed,
        List<String> alerts,
        @Nullable String freeze,
        @Nullable String quarantine,
        @Nullable String health) {

    /** What the rules of alerting call long and many: docs/monitoring.md. */
    private static final long LONG_DEPLOYMENT_SECONDS = 20 * 60L;

    private static final int LONG_QUEUE = 5;

    record Holder(
            long run,
            String who,
            @Nullable String elsewhere,
            @Nullable String title,
            @Nullable String sha,
            @Nullable String runUrl,
            @Nullable String command,
            @Nullable String hostname,
            Instant started,
            long seconds,
            Instant lastContact,
            boolean alive,
            Instant leaseExpires,
            long fencingToken) {

        public String since() {
            return Words.at(started);
        }

        public String clock() {
            return Words.duration(seconds);
        }

        public String heard() {
            return Words.at(lastContact);
        }

        public String leaseEnds() {
            return Words.at(leaseExpires);
        }
    }

    /**
     * A queued run.
     *
     * @param why why it waits
     * @param estimate when it may be granted; null when nobody can tell
     */
    record Waiting(
            long run,
            int position,
            String who,
            @Nullable String elsewhere,
            @Nullable String title,
            @Nullable String sha,
            @Nullable String runUrl,
            boolean high,
            String why,
            @Nullable String estimate,
            String since) {}

    record Approval(
            long run,
            String who,
            @Nullable String title,
            @Nullable String sha,
            String given,
            String since) {}

    record Undeployed(
            long run,
            String sha,
            String who,
            @Nullable String title,
            @Nullable String runUrl,
            String since) {}

    static EnvironmentNow of(DeploymentStatus status) {
        DeploymentStatus.Holder holding = status.lock().holder();
        Holder holder = holding == null ? null : holder(status.environment(), holding);
        List<QueuedRun> queued = status.queue().runs().stream()
                .filter(run -> run.position() != null)
                .toList();
        int running = holding == null ? 0 : 1;
        String state = status.quarantine() != null
                ? "quarantined"
                : status.freeze() != null ? "frozen" : holder != null ? "held" : "free";
        return new EnvironmentNow(
                status.environment(),
                status.lock().lockGroup(),
                state,
                headline(state, holder),
                holder,
                queued.stream().map(run -> waiting(status, run)).toList(),
                status.queue().length() - running - queued.size(),
                status.awaitingApproval().stream().map(EnvironmentNow::approval).toList(),
                status.undeployed().stream().map(EnvironmentNow::undeployed).toList(),
                alerts(status, holder),
                status.freeze() == null ? null : freeze(status.freeze()),
                status.quarantine() == null
                        ? null
                        : "Since " + Words.at(status.quarantine().since()) + ": "
                                + status.quarantine().reason()
                                + ". Only runs of high priority pass until an admin acknowledges it.",
                health(status));
    }

    private static String headline(String state, @Nullable Holder holder) {
        String lock = holder == null ? "Nobody deploys" : holder.who() + " deploys";
        return switch (state) {
            case "quarantined" -> "In quarantine. " + lock;
            case "frozen" -> "Frozen. " + lock;
            case "held" -> lock;
            default -> "Free";
        };
    }

    private static Holder holder(String environment, DeploymentStatus.Holder holder) {
        return new Holder(
                holder.runId(),
                Words.who(holder.user()),
                elsewhere(environment, holder.environment()),
                holder.title(),
                Words.sha(holder.sha()),
                holder.runUrl(),
                holder.command(),
                holder.hostname(),
                holder.started(),
                holder.durationSeconds(),
                holder.lastContact(),
                holder.alive(),
                holder.leaseExpires(),
                holder.fencingToken());
    }

    /** The environment of a run that is in another one of the same lock group. */
    private static @Nullable String elsewhere(String here, String there) {
        return here.equals(there) ? null : there;
    }

    private static Waiting waiting(DeploymentStatus status, QueuedRun run) {
        int position = run.position() == null ? 0 : run.position();
        Long eta = run.etaSeconds();
        return new Waiting(
                run.id(),
                position,
                Words.who(run.user()),
                elsewhere(status.environment(), run.environment()),
                run.title(),
                Words.sha(run.sha()),
                run.runUrl(),
                "high".equals(run.priority()),
                why(status, run, position),
                eta == null ? null : eta <= 0 ? "any moment now" : "about " + Words.duration(eta),
                run.created() == null ? "" : Words.at(run.created()));
    }

    private static String why(DeploymentStatus status, QueuedRun run, int position) {
        DeploymentStatus.Holder holder = status.lock().holder();
        if (run.heldBackBy() != null) {
            return "the " + run.heldBackBy() + " of " + run.environment();
        }
        String ahead = position > 1 ? Words.count(position - 1L, "run") + " ahead" : "";
        if (holder == null) {
            return ahead.isEmpty() ? "to be granted" : ahead;
        }
        return "run " + holder.runId() + (ahead.isEmpty() ? "" : ", " + ahead);
    }

    private static Approval approval(DeploymentStatus.AwaitingApproval run) {
        return new Approval(
                run.runId(),
                Words.who(run.user()),
                run.title(),
                Words.sha(run.sha()),
                run.approvalsGiven() + " of " + Words.count(run.approvalsRequired(), "approval"),
                Words.at(run.created()));
    }

    private static Undeployed undeployed(DeploymentStatus.Undeployed change) {
        return new Undeployed(
                change.runId(),
                change.sha(),
                Words.who(change.user()),
                change.title(),
                change.runUrl(),
                Words.at(change.created()));
    }

    private static String freeze(Frozen freeze) {
        return (freeze.everywhere() ? "All environments are frozen" : "Nothing is granted")
                + (freeze.until() == null ? " until somebody lifts the freeze" : " until " + Words.at(freeze.until()))
                + ": " + freeze.reason()
                + (freeze.by() == null ? " (a recurring freeze of the policy)." : " (by " + freeze.by() + ").");
    }

    private static List<String> alerts(DeploymentStatus status, @Nullable Holder holder) {
        List<String> alerts = new ArrayList<>();
        if (holder != null && !holder.alive()) {
            alerts.add("The client of run " + holder.run() + " has not been heard since " + holder.heard()
                    + ". Without a heartbeat it loses the lock at " + holder.leaseEnds() + ".");
        }
        if (holder != null && holder.seconds() > LONG_DEPLOYMENT_SECONDS) {
            alerts.add("Run " + holder.run() + " has been deploying for more than 20 minutes.");
        }
        DeploymentStatus.LastDeployment last = status.lastDeployment();
        if (last != null && last.status().equals("expired")) {
            alerts.add("The last deployment, run " + last.runId() + ", lost its lock at " + Words.at(last.completed())
                    + ": " + last.reason() + ". Look at what it has left.");
        }
        if (status.queue().length() > LONG_QUEUE) {
            alerts.add(status.queue().length() + " runs are pending.");
        }
        if (!status.undeployed().isEmpty()) {
            alerts.add(Words.count(status.undeployed().size(), "skipped change")
                    + (status.undeployed().size() == 1 ? " is" : " are") + " deployed by nobody.");
        }
        return alerts;
    }

    private static @Nullable String health(DeploymentStatus status) {
        DeploymentStatus.Health health = status.health();
        if (health.status().equals("healthy")) {
            return null;
        }
        return "The environment is " + health.status()
                + (health.detail() == null ? ": no replica notices dead runs in time" : ": " + health.detail());
    }

    /** The first few of the queue, for a card. */
    public List<Waiting> first() {
        return queue.stream().limit(LONG_QUEUE).toList();
    }

    /** How many a card does not show. */
    public int beyondFirst() {
        return Math.max(0, queue.size() - LONG_QUEUE) + notShown;
    }

    /** All that a card warns of. */
    public List<String> warnings() {
        return Stream.concat(alerts.stream(), Stream.ofNullable(health)).toList();
    }
}
