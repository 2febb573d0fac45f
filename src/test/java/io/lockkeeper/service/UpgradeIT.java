package io.lockkeeper.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.ServiceProcess;
import io.lockkeeper.TestDatabase;
import io.lockkeeper.service.Api.Answer;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;

/** This version on the schema of the next one: beside it during a rolling upgrade, and after a way back. */
class UpgradeIT {
    @Test
    void schema_of_the_next_version_is_left_alone_and_works() {
        TestDatabase database = TestDatabase.migrated();
        JdbcClient jdbc = JdbcClient.create(database.dataSource());
        jdbc.sql("ALTER TABLE run ADD COLUMN of_the_next_version text NOT NULL DEFAULT 'new'")
                .update();
        jdbc.sql("""
                INSERT INTO flyway_schema_history
                    (installed_rank, version, description, type, script, checksum, installed_by, execution_time, success)
                SELECT max(installed_rank) + 1, '9999', 'next version', 'SQL', 'V9999__next_version.sql', 1, current_user, 1, true
                FROM flyway_schema_history""").update();

        try (var service = ServiceProcess.startOn(database)) {
            Api api = new Api(service.url(), service.adminToken());
            Answer holder = api.acquire("production", "{}");
            Answer next = api.acquire("production", "{}");
            assertThat(holder.outcome()).isEqualTo("granted");
            assertThat(api.release(holder).status()).isEqualTo(200);
            assertThat(api.await(next, 30).outcome()).isEqualTo("granted");
            assertThat(api.integrity().text()).isEqualTo("{\"violations\":[]}");
        }
    }
}
