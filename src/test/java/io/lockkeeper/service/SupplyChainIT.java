package io.lockkeeper.service;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** What the jar is made of is part of it. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class SupplyChainIT {
    private final Api api = SharedService.API;

    @Test
    void service_lists_every_library_in_it_with_its_licence() {
        JsonNode bom = api.call("GET", "/actuator/sbom/application", null, "Accept", "*/*")
                .json();

        List<JsonNode> components = bom.path("components").valueStream().toList();
        assertThat(components)
                .extracting(component -> component.path("name").asString())
                .contains("postgresql", "spring-security-web", "flyway-core", "swagger-ui")
                .doesNotContain("junit-jupiter-api", "testcontainers", "archunit");
        assertThat(components)
                .filteredOn(component -> component.path("licenses").isEmpty())
                .as("libraries without a licence")
                .isEmpty();
    }
}
