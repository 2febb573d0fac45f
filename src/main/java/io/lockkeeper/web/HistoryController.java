package io.lockkeeper.web;

import io.lockkeeper.coordination.RunStatus;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.history.AuditEntry;
import io.lockkeeper.history.AuditTrail;
import io.lockkeeper.history.Page;
import io.lockkeeper.history.PastRun;
import io.lockkeeper.history.RunFilter;
import io.lockkeeper.history.RunHistory;
import io.lockkeeper.history.Statistics;
import io.lockkeeper.history.StatisticsReader;
import io.lockkeeper.security.Caller;
import io.lockkeeper.security.Role;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.hibernate.validator.constraints.Range;
import org.jspecify.annotations.Nullable;
import org.springframework.http.CacheControl;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** What has happened. */
@RestController
@RequestMapping(produces = MediaType.APPLICATION_JSON_VALUE)
class HistoryController {
    private static final Pattern WINDOW = Pattern.compile("([1-9][0-9]{0,5})([mhd])");

    private final RunHistory runs;
    private final StatisticsReader statistics;
    private final AuditTrail audit;
    private final KnownEnvironments environments;

    HistoryController(RunHistory runs, StatisticsReader statistics, AuditTrail audit, KnownEnvironments environments) {
        this.runs = runs;
        this.statistics = statistics;
        this.audit = audit;
        this.environments = environments;
    }

    @GetMapping(
            path = "/api/admin/deployments",
            produces = {MediaType.APPLICATION_JSON_VALUE, MediaType.TEXT_PLAIN_VALUE})
    ResponseEntity<HistoryAnswer> deployments(
            Caller caller,
            @RequestParam(required = false) @ValidEnvironment @Nullable String environment,
            @RequestParam(required = false) @Nullable String status,
            @RequestParam(required = false) @Text(min = 1, max = 255) @Nullable String repository,
            @RequestParam(required = false) @Text(min = 1, max = 255) @Nullable String user,
            @RequestParam(required = false) @Range(min = 1, message = "must be the number of a run") @Nullable
                    Long before,
            @RequestParam(defaultValue = "50") @Range(min = 1, max = 200, message = "must be between 1 and 200")
                    int limit) {
        EnvironmentName name = allowed(caller, Role.VIEW, environment);
        RunFilter filter = new RunFilter(name, statuses(status), repository, user);
        Page<PastRun> page = runs.page(filter, before, limit, mayView(caller));
        if (page.hasNothing()) {
            requireKnown(name);
        }
        return ok(new HistoryAnswer(page));
    }

    @GetMapping("/api/admin/stats")
    ResponseEntity<Statistics> stats(
            Caller caller,
            @RequestParam(required = false) @ValidEnvironment @Nullable String environment,
            @RequestParam(defaultValue = "7d") String window) {
        EnvironmentName name = allowed(caller, Role.VIEW, environment);
        Statistics read = statistics.read(name, window(window), mayView(caller));
        if (read.runs() == 0) {
            requireKnown(name);
        }
        return ok(read);
    }

    @GetMapping("/api/admin/audit")
    ResponseEntity<Page<AuditEntry>> audit(
            Caller caller,
            @RequestParam(required = false) @ValidEnvironment @Nullable String environment,
            @RequestParam(required = false) @Text(min = 1, max = 255) @Nullable String actor,
            @RequestParam(required = false) @Text(min = 1, max = 255) @Nullable String action,
            @RequestParam(required = false) @Range(min = 1, message = "must be the number of an entry") @Nullable
                    Long before,
            @RequestParam(defaultValue = "50") @Range(min = 1, max = 200, message = "must be between 1 and 200")
                    int limit) {
        EnvironmentName name = allowed(caller, Role.ADMIN, environment);
        Page<AuditEntry> page =
                audit.page(new AuditTrail.Filter(name, actor, action), before, limit, entry -> mayRead(caller, entry));
        if (page.hasNothing()) {
            requireKnown(name);
        }
        return ok(page);
    }

    private static @Nullable EnvironmentName allowed(Caller caller, Role role, @Nullable String environment) {
        if (environment == null) {
            return null;
        }
        Requests.require(caller, role, environment);
        return new EnvironmentName(environment);
    }

    private static Predicate<String> mayView(Caller caller) {
        return environment -> caller.may(Role.VIEW, environment);
    }

    private static boolean mayRead(Caller caller, AuditEntry entry) {
        if (entry.action().startsWith("token_") || entry.action().startsWith("webhook_")) {
            return caller.mayEverywhere(Role.ADMIN);
        }
        return entry.environments().isEmpty()
                ? caller.may(Role.ADMIN, null)
                : entry.environments().stream().allMatch(environment -> caller.may(Role.ADMIN, environment));
    }

    /** Only an answer with nothing in it needs the question whether the environment is spelled as it is meant. */
    private void requireKnown(@Nullable EnvironmentName environment) {
        if (environment != null && !runs.knows(environment)) {
            environments.requireDefault(environment);
        }
    }

    private static Set<RunStatus> statuses(@Nullable String list) {
        Set<RunStatus> statuses = EnumSet.noneOf(RunStatus.class);
        if (list != null) {
            for (String label : list.split(",", -1)) {
                statuses.add(Arrays.stream(RunStatus.values())
                        .filter(status -> status.label().equals(label))
                        .findFirst()
                        .orElseThrow(HistoryController::unknownStatus));
            }
        }
        return statuses;
    }

    private static ProblemException unknownStatus() {
        String known = Arrays.stream(RunStatus.values()).map(RunStatus::label).collect(Collectors.joining(", "));
        return Problem.invalidField("status", "status must be one or several, separated by commas, of " + known + ".")
                .asException();
    }

    private static Duration window(String text) {
        Matcher matcher = WINDOW.matcher(text);
        if (matcher.matches()) {
            long number = Long.parseLong(matcher.group(1));
            Duration window = switch (matcher.group(2)) {
                case "m" -> Duration.ofMinutes(number);
                case "h" -> Duration.ofHours(number);
                default -> Duration.ofDays(number);
            };
            if (window.compareTo(StatisticsReader.LONGEST_WINDOW) <= 0) {
                return window;
            }
        }
        throw Problem.invalidField(
                        "window",
                        "window must be a number of minutes, hours or days, such as 30m, 12h or 7d, and at most "
                                + StatisticsReader.LONGEST_WINDOW.toDays() + "d.")
                .asException();
    }

    private static <T> ResponseEntity<T> ok(T answer) {
        return ResponseEntity.ok().cacheControl(CacheControl.noStore()).body(answer);
    }
}
