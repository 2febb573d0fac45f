package io.lockkeeper.security;

import io.lockkeeper.LockkeeperApplication;
import io.lockkeeper.TestDatabase;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.context.TypeExcludeFilter;
import org.springframework.boot.web.server.servlet.context.ServletWebServerApplicationContext;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.core.type.classreading.MetadataReader;
import org.springframework.core.type.classreading.MetadataReaderFactory;

/** The application as it is, in this JVM on a database of its own, for tests that look into it and call it as well. */
public final class WholeService implements AutoCloseable {

    public static final String ADMIN_TOKEN = "lkt_whole-service-admin-token";

    private final TestDatabase database = TestDatabase.migrated();
    private final ConfigurableApplicationContext context;

    /** With the service's own settings and these, as {@code --name=value}. */
    public WholeService(String... properties) {
        var application = new SpringApplication(LockkeeperApplication.class);
        application.addInitializers(
                starting -> starting.getBeanFactory().registerSingleton("noTestClasses", new NoTestClasses()));
        // Wrong tokens are shown to it by the hundred.
        application.setDefaultProperties(Map.of("lockkeeper.limits.requests-per-second", 0));
        var arguments = new ArrayList<>(List.of(
                "--server.port=0",
                "--spring.datasource.url=" + database.jdbcUrl(),
                "--spring.datasource.username=" + database.username(),
                "--spring.datasource.password=" + database.password(),
                "--lockkeeper.admin-token=" + ADMIN_TOKEN));
        arguments.addAll(List.of(properties));
        context = application.run(arguments.toArray(String[]::new));
    }

    /** Controllers that stand in for others in tests are found on the class path as well, and are no part of the application. */
    private static final class NoTestClasses extends TypeExcludeFilter {

        @Override
        public boolean match(MetadataReader type, MetadataReaderFactory factory) throws IOException {
            return type.getResource().getURL().getPath().contains("/test-classes/");
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof NoTestClasses;
        }

        @Override
        public int hashCode() {
            return NoTestClasses.class.hashCode();
        }
    }

    public TestDatabase database() {
        return database;
    }

    public ConfigurableApplicationContext context() {
        return context;
    }

    public URI url() {
        var server = Objects.requireNonNull(((ServletWebServerApplicationContext) context).getWebServer());
        return URI.create("http://localhost:" + server.getPort());
    }

    @Override
    public void close() {
        context.close();
    }
}
