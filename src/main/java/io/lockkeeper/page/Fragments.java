package io.lockkeeper.page;

import io.lockkeeper.coordination.EnvironmentReader;
import io.lockkeeper.coordination.RunStatus;
import io.lockkeeper.environment.DefaultEnvironment;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.history.RunFilter;
import io.lockkeeper.history.RunHistory;
import io.lockkeeper.history.StatisticsReader;
import io.lockkeeper.status.DeploymentStatus;
import io.lockkeeper.status.StatusReader;
import java.time.Duration;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import org.thymeleaf.ITemplateEngine;
import org.thymeleaf.context.Context;

/** The parts of the page that move, each read and rendered once for all who look at it. */
@Component
class Fragments {
    static final int DEPLOYMENTS_SHOWN = 20;
    static final Duration STATISTICS_WINDOW = Duration.ofDays(7);

    /** Renderings of the same part are at least this far apart, however much happens. */
    private static final Duration PACE = Duration.ofMillis(250);

    /** Statistics read every run of their window. */
    private static final Duration STATISTICS_PACE = Duration.ofMinutes(1);

    private static final Duration NEIGHBOURS_PACE = Duration.ofSeconds(5);

    private static final Set<RunStatus> DEPLOYED = EnumSet.of(
            RunStatus.SUCCESS, RunStatus.FAILURE, RunStatus.CANCELLED, RunStatus.EXPIRED, RunStatus.PREEMPTED);

    private final StatusReader statuses;
    private final RunHistory history;
    private final StatisticsReader statistics;
    private final EnvironmentReader environments;
    private final DefaultEnvironment defaultEnvironment;
    private final ITemplateEngine templates;
    private final Map<EnvironmentName, Shared<@Nullable String>> cards = new ConcurrentHashMap<>();
    private final Map<EnvironmentName, Shared<@Nullable String>> sheets = new ConcurrentHashMap<>();
    private final Map<EnvironmentName, Shared<Figures>> figures = new ConcurrentHashMap<>();
    private final Shared<Map<String, Set<EnvironmentName>>> neighbours;

    Fragments(
            StatusReader statuses,
            RunHistory history,
            StatisticsReader statistics,
            EnvironmentReader environments,
            DefaultEnvironment defaultEnvironment,
            ITemplateEngine templates) {
        this.statuses = statuses;
        this.history = history;
        this.statistics = statistics;
        this.environments = environments;
        this.defaultEnvironment = defaultEnvironment;
        this.templates = templates;
        this.neighbours = new Shared<>(NEIGHBOURS_PACE, this::readNeighbours);
    }

    /** The environments that somebody may see, by name, at most {@link StatusReader#LISTED}; the default one also before its first run. */
    List<EnvironmentName> visible(Predicate<String> visible) {
        List<EnvironmentName> known = environments.list().stream()
                .map(environment -> environment.name())
                .filter(name -> visible.test(name.value()))
                .limit(StatusReader.LISTED)
                .toList();
        return known.isEmpty() && visible.test(defaultEnvironment.name().value())
                ? List.of(defaultEnvironment.name())
                : known;
    }

    /** An environment's place on the overview; its value is null when there is no such environment. */
    Shared<@Nullable String> card(EnvironmentName environment) {
        return cards.computeIfAbsent(
                environment, name -> new Shared<>(PACE, () -> render("environment-card", name, Map.of())));
    }

    /** What moves on an environment's own page; its value is null when there is no such environment. */
    Shared<@Nullable String> sheet(EnvironmentName environment) {
        return sheets.computeIfAbsent(environment, name -> new Shared<>(PACE, () -> renderSheet(name)));
    }

    private @Nullable String renderSheet(EnvironmentName name) {
        RunFilter deployed = new RunFilter(name, DEPLOYED, null, null);
        return render(
                "environment-sheet",
                name,
                Map.of(
                        "deployments",
                        PastDeployment.of(history.page(deployed, null, DEPLOYMENTS_SHOWN, any -> true)
                                .items()),
                        "figures",
                        figures(name),
                        "window",
                        STATISTICS_WINDOW.toDays()));
    }

    private Figures figures(EnvironmentName environment) {
        return figures.computeIfAbsent(
                        environment,
                        name -> new Shared<>(
                                STATISTICS_PACE,
                                () -> Figures.of(statistics.read(name, STATISTICS_WINDOW, any -> true))))
                .getRecent();
    }

    private @Nullable String render(String template, EnvironmentName name, Map<String, Object> more) {
        DeploymentStatus status = statuses.find(name, null)
                .orElseGet(() -> name.equals(defaultEnvironment.name()) ? statuses.untouched(name, null) : null);
        if (status == null) {
            return null;
        }
        Map<String, Object> model = new HashMap<>(more);
        model.put("now", EnvironmentNow.of(status));
        return templates.process(template, new Context(null, model)).strip();
    }

    /** The environment itself and those that share its lock, whose queue is the same. */
    Set<EnvironmentName> sharing(String environment) {
        return neighbours.getRecent().getOrDefault(environment, Set.of(new EnvironmentName(environment)));
    }

    private Map<String, Set<EnvironmentName>> readNeighbours() {
        var byGroup = environments.list().stream()
                .collect(Collectors.groupingBy(
                        environment -> environment.lockGroup(),
                        Collectors.mapping(environment -> environment.name(), Collectors.toSet())));
        Map<String, Set<EnvironmentName>> neighbours = new HashMap<>();
        byGroup.values().forEach(names -> names.forEach(name -> neighbours.put(name.value(), names)));
        return neighbours;
    }
}
