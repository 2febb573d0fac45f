package io.lockkeeper.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.LockkeeperApplication;
import io.lockkeeper.ServiceProcess;
import io.lockkeeper.webhook.TestReceiver;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.context.annotation.ClassPathScanningCandidateComponentProvider;
import org.springframework.core.type.filter.AnnotationTypeFilter;
import org.springframework.util.ClassUtils;
import org.yaml.snakeyaml.Yaml;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Everything that the pages say can be done as they say it, and everything that they point to is there. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DocumentationIT {
    private static final Path CLIENT = Path.of("clients/shell/lockkeeper");
    private static final Path ACTION = Path.of("clients/github-action/main.js");
    private static final Path GITLAB = Path.of("clients/gitlab/lockkeeper.gitlab-ci.yml");
    private static final Path JENKINS = Path.of("clients/jenkins/resources/io/lockkeeper/hold-lock");
    private static final Path CRON = Path.of("clients/cron/under-lock");
    private static final Path COMPOSE = Path.of("compose.yaml");
    private static final Path SETTINGS = Path.of("docs/configuration.md");
    private static final Pattern VARIABLE = Pattern.compile("\\bLOCKKEEPER_[A-Z_]*[A-Z]\\b");
    /** A row of a table of settings: property, environment variable, default, range, meaning. */
    private static final Pattern SETTING =
            Pattern.compile("(?m)^\\| `([a-z.-]+)` \\| `([A-Z_]+)` \\| ([^|]+) \\| ([^|]+) \\| [^|]+ \\|$");

    private final List<Page> pages = Page.all();
    private final TestReceiver chat = new TestReceiver();
    private @Nullable ServiceProcess service;

    @AfterAll
    void stop() {
        if (service != null) {
            service.close();
        }
        chat.close();
    }

    @TestFactory
    Stream<DynamicTest> the_examples_print_what_the_page_says() {
        return pages.stream()
                .flatMap(page -> page.stories().stream())
                .map(story -> DynamicTest.dynamicTest(story.toString(), () -> story.playOn(service())));
    }

    private ServiceProcess service() {
        if (service == null) {
            service = ServiceProcess.start(
                    "--lockkeeper.webhooks.chat.format=slack",
                    "--lockkeeper.webhooks.chat.url=" + chat.url("/hook"),
                    "--lockkeeper.terraform.state-keys=" + "k".repeat(32));
        }
        return service;
    }

    @Test
    void relative_links_and_their_anchors_lead_somewhere() {
        List<String> dead = new ArrayList<>();
        for (var page : pages) {
            for (var link : page.links()) {
                if (!link.matches("[a-z]+:.*") && !leadsSomewhere(page, link)) {
                    dead.add(page.path() + " -> " + link);
                }
            }
        }
        assertThat(dead).isEmpty();
    }

    private static boolean leadsSomewhere(Page page, String link) {
        var parts = link.split("#", 2);
        var target = parts[0].isEmpty()
                ? page.path()
                : page.path().resolveSibling(parts[0]).normalize();
        if (parts.length == 1) {
            return Files.exists(target);
        }
        return Files.isRegularFile(target) && Page.read(target).anchors().contains(parts[1]);
    }

    @Test
    void every_page_can_be_reached_from_the_readme() {
        Set<Path> reached = new TreeSet<>();
        List<Path> next = new ArrayList<>(List.of(Path.of("README.md")));
        while (!next.isEmpty()) {
            var path = next.removeLast();
            if (reached.add(path) && path.toString().endsWith(".md")) {
                Page.read(path).links().stream()
                        .map(link -> link.replaceFirst("#.*", ""))
                        .filter(link -> !link.isEmpty() && !link.matches("[a-z]+:.*"))
                        .map(link -> path.resolveSibling(link).normalize())
                        .filter(Files::isRegularFile)
                        .forEach(next::add);
            }
        }
        assertThat(pages.stream().map(Page::path)).isSubsetOf(reached);
    }

    @Test
    void the_settings_are_those_that_the_service_reads_with_their_defaults() throws IOException {
        Map<String, String> documented = new TreeMap<>();
        settings().filter(row -> row.group(1).startsWith("lockkeeper.")).forEach(row -> {
            assertThat(row.group(2))
                    .as("environment variable of %s", row.group(1))
                    .isEqualTo(variable(row.group(1)));
            documented.put(row.group(1), defaultOf(row));
        });
        Map<String, String> read = new TreeMap<>(boundSettings());
        read.putAll(singleSettings());
        assertThat(documented).isEqualTo(read);
    }

    /** What the configuration processor found while compiling. */
    private static Map<String, String> boundSettings() throws IOException {
        Map<String, String> settings = new TreeMap<>();
        var metadata = new JsonMapper()
                .readTree(Files.readString(Path.of("target/classes/META-INF/spring-configuration-metadata.json")));
        for (JsonNode property : metadata.get("properties")) {
            var value = property.get("defaultValue");
            settings.put(property.get("name").asString(), value == null ? "none" : value.asString());
        }
        return settings;
    }

    /** Those that are read one by one. */
    private static Map<String, String> singleSettings() throws IOException {
        Map<String, String> settings = new TreeMap<>();
        var value = Pattern.compile("@Value\\(\"\\$\\{(lockkeeper[.a-z-]+)(?::([^}]*))?}\"\\)");
        try (Stream<Path> sources = Files.walk(Path.of("src/main/java"))) {
            for (var source : sources.filter(Files::isRegularFile).toList()) {
                value.matcher(Files.readString(source))
                        .results()
                        .forEach(match ->
                                settings.put(match.group(1), Objects.requireNonNullElse(match.group(2), "none")));
            }
        }
        return settings;
    }

    @Test
    void the_ranges_are_those_that_are_checked() throws Exception {
        Map<String, String> documented = new TreeMap<>();
        settings().forEach(row -> documented.put(row.group(1), row.group(4)));
        var scanner = new ClassPathScanningCandidateComponentProvider(false);
        scanner.addIncludeFilter(new AnnotationTypeFilter(ConfigurationProperties.class));
        var checked = 0;
        for (var bean : scanner.findCandidateComponents(ClassUtils.getPackageName(LockkeeperApplication.class))) {
            var type = Class.forName(Objects.requireNonNull(bean.getBeanClassName()));
            var prefix = Objects.requireNonNull(type.getAnnotation(ConfigurationProperties.class))
                    .value();
            for (RecordComponent component :
                    Objects.requireNonNullElse(type.getRecordComponents(), new RecordComponent[0])) {
                var least = component.getAccessor().getAnnotation(Min.class);
                var most = component.getAccessor().getAnnotation(Max.class);
                if (least != null && most != null) {
                    assertThat(documented)
                            .containsEntry(
                                    prefix + "." + kebab(component.getName()), least.value() + " to " + most.value());
                    checked++;
                }
            }
        }
        assertThat(checked).isPositive();
    }

    @Test
    void the_settings_of_the_framework_have_the_defaults_that_the_page_says() throws IOException {
        Map<?, ?> shipped = new Yaml().load(Files.readString(Path.of("src/main/resources/application.yaml")));
        settings()
                .filter(row -> !row.group(1).startsWith("lockkeeper.")
                        && !defaultOf(row).equals("none"))
                .forEach(row -> {
                    Object value = shipped;
                    for (var part : row.group(1).split("\\.", -1)) {
                        value = value instanceof Map<?, ?> map ? map.get(part) : null;
                    }
                    assertThat(String.valueOf(value)).as(row.group(1)).isEqualTo(defaultOf(row));
                });
    }

    @Test
    void every_variable_that_a_page_names_exists() throws IOException {
        Set<String> known = new TreeSet<>();
        settings().forEach(row -> known.add(row.group(2)));
        // The keys of a policy, a webhook and a log-in have pages and tests of their own.
        known.add("LOCKKEEPER_ENVIRONMENTS_PRODUCTION");
        known.add("LOCKKEEPER_LOGIN_OIDC_CLIENT_SECRET");
        known.addAll(Set.of(
                "LOCKKEEPER_WEBHOOKS_CHAT_URL", "LOCKKEEPER_WEBHOOKS_CHAT_FORMAT", "LOCKKEEPER_WEBHOOKS_CHAT_EVENTS"));
        for (var client : List.of(CLIENT, ACTION, GITLAB, JENKINS, CRON, COMPOSE)) {
            VARIABLE.matcher(Files.readString(client)).results().forEach(match -> known.add(match.group()));
        }
        for (var page : pages) {
            assertThat(VARIABLE.matcher(page.text()).results().map(MatchResult::group))
                    .as(page.path().toString())
                    .isSubsetOf(known);
        }
    }

    private static Stream<MatchResult> settings() throws IOException {
        return SETTING.matcher(Files.readString(SETTINGS)).results();
    }

    private static String defaultOf(MatchResult row) {
        return row.group(3).replace("`", "");
    }

    /** As Spring's relaxed binding reads it. */
    private static String variable(String property) {
        return property.toUpperCase(Locale.ROOT).replaceAll("[.-]", "_");
    }

    private static String kebab(String name) {
        return String.join(
                "-",
                Arrays.stream(name.split("(?=[A-Z])"))
                        .map(part -> part.toLowerCase(Locale.ROOT))
                        .toList());
    }
}
