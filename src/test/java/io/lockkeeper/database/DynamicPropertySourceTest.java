package io.lockkeeper.database;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.TestDatabase;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.core.env.Environment;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;

/** The way in which the tests of other packages name their database. */
@SpringBootTest(classes = DynamicPropertySourceTest.Nothing.class, webEnvironment = SpringBootTest.WebEnvironment.NONE)
class DynamicPropertySourceTest {

    private static final TestDatabase DATABASE = TestDatabase.fresh();

    @DynamicPropertySource
    static void database(DynamicPropertyRegistry properties) {
        properties.add("spring.datasource.url", DATABASE::jdbcUrl);
        properties.add("spring.datasource.username", DATABASE::username);
        properties.add("spring.datasource.password", DATABASE::password);
    }

    @Test
    void database_of_a_test_is_found_before_one_is_started(@Autowired Environment environment) {
        assertThat(environment.getProperty("spring.datasource.url")).startsWith(DATABASE.jdbcUrl() + "?");
    }

    static class Nothing {}
}
