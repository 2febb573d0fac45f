package io.lockkeeper.page;

import io.lockkeeper.coordination.AdminOutcome;
import io.lockkeeper.coordination.EnvironmentReader;
import io.lockkeeper.coordination.RunId;
import io.lockkeeper.coordination.RunOutcome;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.history.PastRun;
import io.lockkeeper.history.RunHistory;
import io.lockkeeper.history.RunStory;
import io.lockkeeper.security.Caller;
import io.lockkeeper.security.Role;
import io.lockkeeper.web.RunDecisions;
import io.lockkeeper.web.RunProblems;
import jakarta.validation.Valid;
import org.hibernate.validator.constraints.Range;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Controller;
import org.springframework.ui.Model;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.ModelAttribute;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.servlet.mvc.support.RedirectAttributes;

/** One run: its life so far, and what people may decide about it. */
@Controller
class RunPage {
    private final RunHistory history;
    private final EnvironmentReader environments;
    private final RunDecisions decisions;

    RunPage(RunHistory history, EnvironmentReader environments, RunDecisions decisions) {
        this.history = history;
        this.environments = environments;
        this.decisions = decisions;
    }

    /** What the viewer may decide; each is offered only while the run is in the status for it. */
    record Offers(boolean approval, boolean prioritize, boolean cancel, boolean stop) {

        public boolean any() {
            return approval || prioritize || cancel || stop;
        }
    }

    @GetMapping("/runs/{id}")
    String run(
            Caller caller,
            @PathVariable @Range(min = 1, message = "must be the number of a run") long id,
            Model model) {
        RunStory story = history.find(id).orElseThrow(() -> RunProblems.unknown(new RunId(id)));
        RunDecisions.requireView(caller, story.run().environments());
        model.addAttribute("viewer", Viewer.of(caller));
        model.addAttribute("run", story.run());
        model.addAttribute("status", Words.status(story.run().status()));
        model.addAttribute("environments", String.join(", ", story.run().environments()));
        model.addAttribute("moments", Timeline.of(story));
        model.addAttribute("includes", story.includes());
        model.addAttribute("offers", offers(caller, story.run()));
        return "run";
    }

    private Offers offers(Caller caller, PastRun run) {
        boolean isAdmin = run.environments().stream().allMatch(environment -> caller.may(Role.ADMIN, environment));
        boolean isWaiting = run.status().equals("queued") || run.status().equals("awaiting_approval");
        return new Offers(
                run.status().equals("awaiting_approval")
                        && !caller.name().equals(run.caller())
                        && (isAdmin || isApprover(caller, run)),
                isAdmin && isWaiting && !run.priority().equals("high"),
                isAdmin && isWaiting,
                isAdmin && run.status().equals("in_progress"));
    }

    private boolean isApprover(Caller caller, PastRun run) {
        return run.environments().stream()
                .flatMap(name -> environments.find(new EnvironmentName(name)).stream())
                .anyMatch(environment -> environment.policy().approvers().contains(caller.name()));
    }

    @PostMapping("/runs/{id}/approve")
    String approve(
            Caller caller,
            @PathVariable @Range(min = 1, message = "must be the number of a run") long id,
            @ModelAttribute @Valid CommentForm form,
            RedirectAttributes next) {
        AdminOutcome outcome = decisions.approve(caller, new RunId(id), form.said());
        String given = outcome instanceof AdminOutcome.Approved approved
                ? " It has " + Words.count(approved.given(), "approval") + " now."
                : "";
        return done(id, "Run " + id + " is approved by you." + given, next);
    }

    @PostMapping("/runs/{id}/reject")
    String reject(
            Caller caller,
            @PathVariable @Range(min = 1, message = "must be the number of a run") long id,
            @ModelAttribute @Valid ReasonForm form,
            RedirectAttributes next) {
        decisions.reject(caller, new RunId(id), form.reason());
        return done(id, "Run " + id + " is rejected. Its client is told why.", next);
    }

    @PostMapping("/runs/{id}/prioritize")
    String prioritize(
            Caller caller,
            @PathVariable @Range(min = 1, message = "must be the number of a run") long id,
            @ModelAttribute @Valid ReasonForm form,
            @RequestParam(defaultValue = "false") boolean passFreeze,
            RedirectAttributes next) {
        decisions.prioritize(caller, new RunId(id), passFreeze, form.reason());
        return done(id, "Run " + id + " goes before all of normal priority now.", next);
    }

    @PostMapping("/runs/{id}/cancel")
    String cancel(
            Caller caller,
            @PathVariable @Range(min = 1, message = "must be the number of a run") long id,
            @ModelAttribute @Valid ReasonForm form,
            RedirectAttributes next) {
        RunOutcome outcome = decisions.cancel(caller, new RunId(id), form.reason());
        return done(
                id,
                outcome instanceof RunOutcome.CancelRequested
                        ? "Run " + id
                                + " is asked to stop. Its client does so at its next heartbeat, and then releases the lock."
                        : "Run " + id + " is over.",
                next);
    }

    private static String done(long id, @Nullable String message, RedirectAttributes next) {
        next.addFlashAttribute("done", message);
        return "redirect:/runs/" + id;
    }
}
