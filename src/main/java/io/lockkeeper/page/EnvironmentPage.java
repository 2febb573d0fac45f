package io.lockkeeper.page;

import io.lockkeeper.coordination.EnvironmentReader;
import io.lockkeeper.coordination.FencingToken;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.security.Caller;
import io.lockkeeper.security.Role;
import io.lockkeeper.status.StatusReader;
import io.lockkeeper.web.Done;
import io.lockkeeper.web.EnvironmentActions;
import io.lockkeeper.web.KnownEnvironments;
import io.lockkeeper.web.ValidEnvironment;
import jakarta.validation.Valid;
import java.util.List;
import org.springframework.stereotype.Controller;
import org.springframework.ui.Model;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.ModelAttribute;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.servlet.mvc.support.RedirectAttributes;

/** One environment, and what admins do to it. */
@Controller
class EnvironmentPage {
    private final Fragments fragments;
    private final StatusReader statuses;
    private final EnvironmentReader environments;
    private final KnownEnvironments knownEnvironments;
    private final EnvironmentActions actions;

    EnvironmentPage(
            Fragments fragments,
            StatusReader statuses,
            EnvironmentReader environments,
            KnownEnvironments knownEnvironments,
            EnvironmentActions actions) {
        this.fragments = fragments;
        this.statuses = statuses;
        this.environments = environments;
        this.knownEnvironments = knownEnvironments;
        this.actions = actions;
    }

    @GetMapping("/environments/{environment}")
    String environment(Caller caller, @PathVariable @ValidEnvironment String environment, Model model) {
        EnvironmentName name = new EnvironmentName(environment);
        String sheet = fragments.sheet(name).get(System.nanoTime());
        if (sheet == null) {
            throw knownEnvironments.unknown(List.of(name));
        }
        model.addAttribute("viewer", Viewer.of(caller));
        model.addAttribute("name", environment);
        model.addAttribute("sheet", sheet);
        model.addAttribute("isAdmin", caller.may(Role.ADMIN, environment));
        return "environment";
    }

    /** What an admin may do here now, each with what is to be known before. */
    @GetMapping("/environments/{environment}/actions")
    String actions(Caller caller, @PathVariable @ValidEnvironment String environment, Model model) {
        EnvironmentName name = new EnvironmentName(environment);
        var status = statuses.find(name, null).orElseThrow(() -> knownEnvironments.unknown(List.of(name)));
        model.addAttribute("viewer", Viewer.of(caller));
        model.addAttribute("now", EnvironmentNow.of(status));
        // A recurring freeze is the policy's, and one of all environments is lifted for all.
        model.addAttribute(
                "isFrozenByItself",
                status.freeze() != null
                        && status.freeze().by() != null
                        && !status.freeze().everywhere());
        model.addAttribute(
                "isProtected",
                environments
                        .find(name)
                        .map(known -> known.policy().isProtected())
                        .orElse(false));
        return "actions";
    }

    @PostMapping("/environments/{environment}/freeze")
    String freeze(
            Caller caller,
            @PathVariable @ValidEnvironment String environment,
            @ModelAttribute @Valid FreezeForm form,
            RedirectAttributes next) {
        return done(
                environment, actions.freeze(caller, new EnvironmentName(environment), form.end(), form.reason()), next);
    }

    @PostMapping("/environments/{environment}/unfreeze")
    String unfreeze(Caller caller, @PathVariable @ValidEnvironment String environment, RedirectAttributes next) {
        return done(environment, actions.unfreeze(caller, new EnvironmentName(environment)), next);
    }

    @PostMapping("/environments/{environment}/acknowledge")
    String acknowledge(
            Caller caller,
            @PathVariable @ValidEnvironment String environment,
            @ModelAttribute @Valid ReasonForm form,
            RedirectAttributes next) {
        return done(environment, actions.acknowledge(caller, new EnvironmentName(environment), form.reason()), next);
    }

    @PostMapping("/environments/{environment}/force-release")
    String forceRelease(
            Caller caller,
            @PathVariable @ValidEnvironment String environment,
            @ModelAttribute @Valid ForceReleaseForm form,
            RedirectAttributes next) {
        return done(
                environment,
                actions.forceRelease(
                        caller,
                        new EnvironmentName(environment),
                        form.confirm(),
                        new FencingToken(form.fencingToken()),
                        Boolean.TRUE.equals(form.evenIfAlive()),
                        form.reason()),
                next);
    }

    private static String done(String environment, Done done, RedirectAttributes next) {
        next.addFlashAttribute("done", done.message());
        return "redirect:/environments/" + environment;
    }
}
