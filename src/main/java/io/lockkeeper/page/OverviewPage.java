package io.lockkeeper.page;

import io.lockkeeper.security.Caller;
import io.lockkeeper.security.Role;
import io.lockkeeper.web.Done;
import io.lockkeeper.web.EnvironmentActions;
import jakarta.validation.Valid;
import java.util.List;
import java.util.Objects;
import org.springframework.stereotype.Controller;
import org.springframework.ui.Model;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.ModelAttribute;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.servlet.mvc.support.RedirectAttributes;

/** All environments at a glance, and what is done to all of them. */
@Controller
class OverviewPage {
    private final Fragments fragments;
    private final EnvironmentActions actions;

    OverviewPage(Fragments fragments, EnvironmentActions actions) {
        this.fragments = fragments;
        this.actions = actions;
    }

    @GetMapping("/")
    String overview(Caller caller, Model model) {
        List<String> cards = fragments.visible(name -> caller.may(Role.VIEW, name)).stream()
                .map(name -> fragments.card(name).getRecent())
                .filter(Objects::nonNull)
                .toList();
        model.addAttribute("viewer", Viewer.of(caller));
        model.addAttribute("cards", cards);
        return "overview";
    }

    @GetMapping("/freeze")
    String freeze(Caller caller, Model model) {
        model.addAttribute("viewer", Viewer.of(caller));
        return "freeze";
    }

    @PostMapping("/freeze")
    String freezeAll(Caller caller, @ModelAttribute @Valid FreezeForm form, RedirectAttributes next) {
        return done(actions.freezeAll(caller, form.end(), form.reason()), next);
    }

    @PostMapping("/unfreeze")
    String unfreezeAll(Caller caller, RedirectAttributes next) {
        return done(actions.unfreezeAll(caller), next);
    }

    private static String done(Done done, RedirectAttributes next) {
        next.addFlashAttribute("done", done.message());
        return "redirect:/";
    }
}
