package io.lockkeeper;

import org.flywaydb.core.Flyway;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.flyway.autoconfigure.FlywayAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;

/**
 * Brings the schema up to date and ends, with status 0, or with 1 and a line that says why not. For whoever lets a job, or a user of the
 * database with more rights, change the schema: a service that starts afterwards finds nothing left to do. The database is found as the
 * service finds it; nothing else of the configuration counts.
 */
@ImportAutoConfiguration({DataSourceAutoConfiguration.class, FlywayAutoConfiguration.class})
final class SchemaMigration {
    private static final Logger LOG = LoggerFactory.getLogger(SchemaMigration.class);

    static void run(String... arguments) {
        SpringApplication application = new SpringApplication(SchemaMigration.class);
        application.setWebApplicationType(WebApplicationType.NONE);
        // Flyway's bean has migrated when the context is there.
        try (var context = application.run(arguments)) {
            LOG.info(
                    "The database's schema is up to date: {}.",
                    context.getBean(Flyway.class).info().getInfoResult().schemaVersion);
        }
    }
}
