package io.lockkeeper.page;

import io.lockkeeper.coordination.RunStatus;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.history.Page;
import io.lockkeeper.history.PastRun;
import io.lockkeeper.history.RunFilter;
import io.lockkeeper.history.RunHistory;
import io.lockkeeper.security.Caller;
import io.lockkeeper.security.Role;
import io.lockkeeper.web.Problem;
import io.lockkeeper.web.RunDecisions;
import io.lockkeeper.web.Text;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.hibernate.validator.constraints.Range;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Controller;
import org.springframework.ui.Model;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.util.UriComponentsBuilder;

/** Past and pending runs, newest first, by what one looks for. */
@Controller
class HistoryPage {
    private static final int SHOWN = 50;

    private final RunHistory history;
    private final Fragments fragments;

    HistoryPage(RunHistory history, Fragments fragments) {
        this.history = history;
        this.fragments = fragments;
    }

    /** A choice in a form. */
    record Choice(String value, String words, boolean chosen) {}

    @GetMapping("/history")
    String history(
            Caller caller,
            @RequestParam(required = false) @Nullable String environment,
            @RequestParam(required = false) @Nullable String status,
            @RequestParam(required = false) @Text(max = 255) @Nullable String repository,
            @RequestParam(required = false) @Text(max = 255) @Nullable String user,
            @RequestParam(required = false) @Range(min = 1, message = "must be the number of a run") @Nullable
                    Long before,
            Model model) {
        EnvironmentName name = environment(caller, given(environment));
        RunStatus only = status(given(status));
        RunFilter filter = new RunFilter(name, only == null ? Set.of() : Set.of(only), given(repository), given(user));
        Page<PastRun> page = history.page(filter, before, SHOWN, place -> caller.may(Role.VIEW, place));
        model.addAttribute("viewer", Viewer.of(caller));
        model.addAttribute("runs", PastDeployment.of(page.items()));
        model.addAttribute("older", page.nextBefore() == null ? null : link(filter, only, page.nextBefore()));
        model.addAttribute(
                "environments",
                fragments.visible(place -> caller.may(Role.VIEW, place)).stream()
                        .map(place -> new Choice(place.value(), place.value(), place.equals(name)))
                        .toList());
        model.addAttribute("statuses", statuses(only));
        model.addAttribute("repository", repository);
        model.addAttribute("user", user);
        return "history";
    }

    /** A field of the form that was left empty is no filter. */
    private static @Nullable String given(@Nullable String text) {
        return text == null || text.isBlank() ? null : text.strip();
    }

    private static @Nullable EnvironmentName environment(Caller caller, @Nullable String name) {
        if (name == null) {
            return null;
        }
        if (!EnvironmentName.isValid(name)) {
            throw Problem.invalidField("environment", "environment must be the name of an environment.")
                    .asException();
        }
        RunDecisions.requireView(caller, List.of(name));
        return new EnvironmentName(name);
    }

    private static @Nullable RunStatus status(@Nullable String label) {
        return label == null
                ? null
                : Arrays.stream(RunStatus.values())
                        .filter(status -> status.label().equals(label))
                        .findFirst()
                        .orElseThrow(() -> Problem.invalidField("status", "status must be that of a run.")
                                .asException());
    }

    private static List<Choice> statuses(@Nullable RunStatus chosen) {
        return Arrays.stream(RunStatus.values())
                .map(status -> new Choice(status.label(), Words.status(status.label()), status == chosen))
                .toList();
    }

    private static String link(RunFilter filter, @Nullable RunStatus only, long before) {
        UriComponentsBuilder link = UriComponentsBuilder.fromPath("/history").queryParam("before", before);
        if (filter.environment() != null) {
            link.queryParam("environment", filter.environment().value());
        }
        if (only != null) {
            link.queryParam("status", only.label());
        }
        if (filter.repository() != null) {
            link.queryParam("repository", "{repository}");
        }
        if (filter.user() != null) {
            link.queryParam("user", "{user}");
        }
        return link.encode()
                .buildAndExpand(Map.of(
                        "repository", Objects.requireNonNullElse(filter.repository(), ""),
                        "user", Objects.requireNonNullElse(filter.user(), "")))
                .toUriString();
    }
}
