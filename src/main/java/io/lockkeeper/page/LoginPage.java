package io.lockkeeper.page;

import io.lockkeeper.security.PersonLogin;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Controller;
import org.springframework.ui.Model;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;

/** Where a session begins; {@code security} reads what the form sends. */
@Controller
class LoginPage {

    private final PersonLogin personLogin;

    LoginPage(PersonLogin personLogin) {
        this.personLogin = personLogin;
    }

    @GetMapping("/login")
    String login(
            @RequestParam(required = false) @Nullable String wrong,
            @RequestParam(required = false) @Nullable String out,
            @RequestParam(required = false) @Nullable String stranger,
            @RequestParam(required = false) @Nullable String away,
            @RequestParam(required = false) @Nullable String failed,
            Model model) {
        model.addAttribute("wrong", wrong != null);
        model.addAttribute("out", out != null);
        model.addAttribute("stranger", stranger != null);
        model.addAttribute("away", away != null);
        model.addAttribute("failed", failed != null);
        model.addAttribute("provider", personLogin.providerName().orElse(null));
        model.addAttribute("providerPath", personLogin.path());
        return "login";
    }
}
