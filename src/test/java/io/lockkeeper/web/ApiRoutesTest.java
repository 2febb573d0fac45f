package io.lockkeeper.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.AnnotatedBeanDefinition;
import org.springframework.context.annotation.ClassPathScanningCandidateComponentProvider;
import org.springframework.core.io.ClassPathResource;
import org.springframework.core.type.filter.AnnotationTypeFilter;
import org.springframework.stereotype.Controller;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/** Compares the calls under {@code /api}, such as {@code GET /api/runs/{id}}: those that controllers map with those that the document describes. */
class ApiRoutesTest {

    private static final Set<String> DOCUMENTS = Set.of("/api/openapi.yaml", "/api/docs", "/api/docs/");
    /** Under which the methods are that OpenAPI 3.1 knows no place for; 3.2 calls it additionalOperations. */
    private static final String OTHER_METHODS = "x-additionalOperations";

    private static final Set<String> METHODS = Set.of("get", "put", "post", "delete", "patch");

    @Test
    void every_call_is_documented() throws IOException {
        assertThat(documented()).containsAll(mapped());
    }

    @Test
    void every_documented_call_exists() throws IOException {
        assumeThat(mapped()).as("the controllers of the features").isNotEmpty();
        assertThat(mapped()).containsAll(documented());
    }

    @Test
    void the_comparison_finds_mapped_calls() {
        var routes = new TreeSet<String>();
        new Mappings().addTo(routes, TryController.class);
        assertThat(routes).contains("GET /api/try/runs/{id}", "POST /api/try/{environment}/acquire");
    }

    private static Set<String> mapped() {
        var scanner = new ClassPathScanningCandidateComponentProvider(false);
        scanner.addIncludeFilter(new AnnotationTypeFilter(Controller.class));
        var mappings = new Mappings();
        var routes = new TreeSet<String>();
        for (var definition : scanner.findCandidateComponents("io.lockkeeper")) {
            var type = type(((AnnotatedBeanDefinition) definition).getMetadata().getClassName());
            // Controllers that stand in for others in tests are not part of the service.
            if (!type.getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .getPath()
                    .contains("test-classes")) {
                mappings.addTo(routes, type);
            }
        }
        return routes;
    }

    private static Class<?> type(String name) {
        try {
            return Class.forName(name);
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Reads annotations the way Spring does, without making the controllers, which would want a database. */
    private static final class Mappings extends RequestMappingHandlerMapping {

        void addTo(Set<String> routes, Class<?> controller) {
            for (var method : controller.getDeclaredMethods()) {
                var mapping = getMappingForMethod(method, controller);
                var others = method.getAnnotation(OtherMethods.class);
                if (mapping != null) {
                    if (others != null) {
                        mapping.getPatternValues()
                                .forEach(pattern -> Arrays.stream(others.value())
                                        .forEach(verb -> routes.add(verb + " " + pattern)));
                    }
                    mapping.getPatternValues().stream()
                            .filter(pattern -> pattern.startsWith("/api/") && !DOCUMENTS.contains(pattern))
                            .forEach(pattern -> mapping.getMethodsCondition()
                                    .getMethods()
                                    .forEach(verb -> routes.add(verb.name() + " " + pattern)));
                }
            }
        }
    }

    private static Set<String> documented() throws IOException {
        var routes = new TreeSet<String>();
        try (var yaml = new ClassPathResource("static/api/openapi.yaml").getInputStream()) {
            Map<String, Map<String, Map<String, Object>>> document =
                    new Yaml(new SafeConstructor(new LoaderOptions())).load(yaml);
            Objects.requireNonNull(document.get("paths")).forEach((path, operations) -> {
                operations.keySet().stream()
                        .filter(METHODS::contains)
                        .forEach(method -> routes.add(method.toUpperCase(Locale.ROOT) + " " + path));
                if (operations.get(OTHER_METHODS) instanceof Map<?, ?> others) {
                    others.keySet().forEach(method -> routes.add(method + " " + path));
                }
            });
        }
        return routes;
    }
}
