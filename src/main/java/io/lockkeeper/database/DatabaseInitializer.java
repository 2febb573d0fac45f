package io.lockkeeper.database;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.support.DefaultSingletonBeanRegistry;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.context.ApplicationContextInitializer;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.MapPropertySource;

/**
 * Finds the database, or starts one, before the first bean exists, and tells Spring by setting {@code spring.datasource.*} and
 * {@code spring.flyway.*}.
 *
 * <p>Registered in {@code META-INF/spring.factories}, so that the tests' contexts start the way the service does. It has no order of
 * its own and thus comes after those that set properties, {@code @DynamicPropertySource} among them.
 */
final class DatabaseInitializer implements ApplicationContextInitializer<ConfigurableApplicationContext> {

    @Override
    public void initialize(ConfigurableApplicationContext context) {
        var environment = context.getEnvironment();
        var settings = Binder.get(environment).bindOrCreate("lockkeeper", DatabaseSettings.class);
        @Nullable DatabaseAddress configured = configured(settings, environment);
        var address = configured == null ? embedded(settings, context) : configured;
        new FirstConnection(address).make(Duration.ofSeconds(settings.databaseConnectTimeoutSeconds()));
        // The session has a way of its own where the other leads through a pooler.
        tellSpring(
                address, settings.databaseListenUrl() == null ? address.poolUrl() : address.poolerUrl(), environment);
        context.getBeanFactory().registerSingleton("sessionConnections", sessions(settings, address));
    }

    private static SessionConnections sessions(DatabaseSettings settings, DatabaseAddress address) {
        if (settings.databaseListenUrl() == null) {
            return new SessionConnections(address);
        }
        return new SessionConnections(DatabaseAddress.parse(
                "LOCKKEEPER_DATABASE_LISTEN_URL", settings.databaseListenUrl(), address.user(), address.password()));
    }

    private static @Nullable DatabaseAddress configured(
            DatabaseSettings settings, ConfigurableEnvironment environment) {
        if (settings.databaseUrl() != null) {
            return DatabaseAddress.parse(
                    "LOCKKEEPER_DATABASE_URL",
                    settings.databaseUrl(),
                    settings.databaseUser(),
                    settings.databasePassword());
        }
        @Nullable String springsUrl = environment.getProperty("spring.datasource.url");
        if (springsUrl != null) {
            return DatabaseAddress.parse(
                    "SPRING_DATASOURCE_URL",
                    springsUrl,
                    environment.getProperty("spring.datasource.username"),
                    environment.getProperty("spring.datasource.password"));
        }
        return null;
    }

    private static DatabaseAddress embedded(DatabaseSettings settings, ConfigurableApplicationContext context) {
        var postgres = EmbeddedPostgres.start(settings.dataDir());
        context.getBeanFactory().registerSingleton("ownDatabase", new OwnDatabase(settings.dataDir()));
        stopAfterEverythingElse(postgres, context);
        return DatabaseAddress.parse(
                "the embedded PostgreSQL", postgres.jdbcUrl(), postgres.username(), postgres.password());
    }

    // Beans are destroyed in reverse order of their registration, and this is the first: the pool is closed before the
    // server stops, also when the start fails half-way. The shutdown handler is for an end before there are beans to
    // destroy; it runs after all contexts are closed, while a shutdown hook of our own would run at the same time as
    // they are.
    private static void stopAfterEverythingElse(EmbeddedPostgres postgres, ConfigurableApplicationContext context) {
        Runnable stop = postgres::close;
        SpringApplication.getShutdownHandlers().add(stop);
        ((DefaultSingletonBeanRegistry) context.getBeanFactory()).registerDisposableBean("embeddedPostgres", stop::run);
    }

    private static void tellSpring(DatabaseAddress address, String poolUrl, ConfigurableEnvironment environment) {
        var properties = new HashMap<String, Object>();
        properties.put("spring.datasource.url", poolUrl);
        put(properties, "spring.datasource.username", address.user());
        put(properties, "spring.datasource.password", address.password());
        if (!environment.containsProperty("spring.flyway.url") && !environment.containsProperty("spring.flyway.user")) {
            properties.put("spring.flyway.url", address.migrationUrl());
            put(properties, "spring.flyway.user", address.user());
            put(properties, "spring.flyway.password", address.password());
        }
        environment.getPropertySources().addFirst(new MapPropertySource("lockkeeperDatabase", properties));
    }

    private static void put(Map<String, Object> properties, String name, @Nullable String value) {
        if (value != null) {
            properties.put(name, value);
        }
    }
}
