package io.lockkeeper.web;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.webhook.WebhookState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/** The description of the API says what the service does, and so does the page about its problems. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ApiDocumentTest {

    private EdgeServer server;
    private Map<?, ?> document;

    @BeforeAll
    void start() {
        server = EdgeServer.start();
        var yaml = server.getWithoutToken("/api/openapi.yaml");
        assertThat(yaml.header("Content-Type")).isEqualTo("application/yaml");
        var options = new LoaderOptions();
        options.setMaxAliasesForCollections(200);
        document = new Yaml(new SafeConstructor(options)).load(yaml.body());
    }

    @AfterAll
    void stop() {
        server.close();
    }

    @Test
    void every_problem_has_a_section_that_says_what_to_do() throws IOException {
        var page = Files.readString(Path.of("docs/problems.md"));
        assertThat(Pattern.compile("(?m)^## (\\S+)$").matcher(page).results().map(match -> match.group(1)))
                .containsExactly(codes());
        for (var type : ProblemType.values()) {
            assertThat(page)
                    .containsPattern(
                            "(?m)^## " + type.code() + "\n" + type.status() + "\\. (?:.+\n)+?\\*\\*Do:\\*\\* .+");
        }
    }

    @Test
    void the_document_lists_every_problem_code() {
        assertThat((Collection<?>) at("components", "schemas", "ProblemCode", "enum"))
                .isEqualTo(List.of(codes()));
    }

    @Test
    void every_word_that_looks_like_a_code_in_a_response_is_one() {
        var known = Arrays.asList(codes());
        ((Map<?, ?>) Objects.requireNonNull(at("components", "responses"))).forEach((name, response) -> {
            var description = String.valueOf(((Map<?, ?>) Objects.requireNonNull(response)).get("description"));
            var quoted = Pattern.compile("`([a-z]+(?:-[a-z]+)*)`")
                    .matcher(description)
                    .results();
            assertThat(quoted.map(match -> match.group(1)))
                    .as(String.valueOf(name))
                    .isSubsetOf(known);
        });
    }

    @Test
    void every_reference_leads_somewhere() {
        var open = new ArrayDeque<@Nullable Object>();
        open.push(document);
        while (!open.isEmpty()) {
            switch (open.pop()) {
                case Map<?, ?> map -> {
                    if (map.get("$ref") instanceof String reference) {
                        assertThat(reference).startsWith("#/");
                        assertThat(at(reference.substring(2).split("/")))
                                .as(reference)
                                .isNotNull();
                    }
                    map.values().stream().filter(Objects::nonNull).forEach(open::push);
                }
                case List<?> list -> list.stream().filter(Objects::nonNull).forEach(open::push);
                case null, default -> {}
            }
        }
    }

    @Test
    void the_bodies_are_described_field_by_field() {
        assertThat(properties("Acquire")).isEqualTo(components(AcquireBody.class));
        assertThat(properties("Release")).isEqualTo(components(ReleaseBody.class));
        assertThat(properties("Cancel")).isEqualTo(components(CancelBody.class));
        assertThat(properties("NewToken")).isEqualTo(components(TokenBody.class));
        assertThat(properties("Token")).isEqualTo(components(TokenView.class));
        assertThat(properties("Webhook")).isEqualTo(components(WebhookState.class));
    }

    @Test
    void the_page_brings_no_script_of_its_own_and_asks_nobody_else() {
        var page = server.getWithoutToken("/api/docs").body();
        assertThat(page).doesNotContain("http:", "https:", "style=", "onload").doesNotContainPattern("<script>");
        Pattern.compile("(?:src|href)=\"(.+?)\"")
                .matcher(page)
                .results()
                .forEach(match -> assertThat(
                                server.getWithoutToken("/api/" + match.group(1)).status())
                        .as(match.group(1))
                        .isEqualTo(200));
        var withSlash = server.getWithoutToken("/api/docs/");
        assertThat(withSlash.status()).isEqualTo(308);
        assertThat(withSlash.header("Location")).isEqualTo("../docs");
    }

    private static String[] codes() {
        return Arrays.stream(ProblemType.values()).map(ProblemType::code).toArray(String[]::new);
    }

    private Set<String> properties(String schema) {
        var names = new TreeSet<String>();
        ((Map<?, ?>) Objects.requireNonNull(at("components", "schemas", schema, "properties")))
                .keySet()
                .forEach(name -> names.add(String.valueOf(name)));
        return names;
    }

    private static Set<String> components(Class<?> body) {
        var names = new TreeSet<String>();
        for (var component : body.getRecordComponents()) {
            names.add(component.getName().replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT));
        }
        return names;
    }

    private @Nullable Object at(String... path) {
        @Nullable Object node = document;
        for (var step : path) {
            node = node instanceof Map<?, ?> map ? map.get(step) : null;
        }
        return node;
    }
}
