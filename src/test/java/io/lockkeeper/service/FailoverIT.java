package io.lockkeeper.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lockkeeper.ServiceProcess;
import io.lockkeeper.TestDatabase;
import io.lockkeeper.service.Api.Answer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.jdbc.core.simple.JdbcClient;

/** The database as high availability has it: a primary, and a standby that takes over when the primary is killed under load. */
class FailoverIT {
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    @TempDir
    Path directory;

    @Test
    @Tag("invariant-12")
    void invariant_12_failover_to_a_synchronous_standby_loses_and_doubles_nothing() throws Exception {
        try (var servers = PrimaryAndStandby.start(directory);
                var one = replica(servers);
                var two = replica(servers)) {
            Api first = new Api(one.url(), one.adminToken()).patient();
            Api second = new Api(two.url(), two.adminToken()).patient();
            Answer holder = first.acquire("long", "{}");
            List<Answer> line = new ArrayList<>();
            for (int place = 0; place < 3; place++) {
                line.add(second.acquire("long", "{\"batch\":false}"));
            }
            try (var clients = new DeployingClients(first, second)) {
                await().atMost(PATIENCE).until(() -> clients.served() > 50);

                servers.failOver();

                int before = clients.served();
                await().atMost(PATIENCE).until(() -> clients.served() > before + 50);
                clients.stop();
                clients.assertNothingIsLostOrDoubled(JdbcClient.create(servers.standby()));
            }
            assertThat(first.heartbeat(holder).status()).isEqualTo(200);
            assertThat(first.release(holder).status()).isEqualTo(200);
            for (Answer next : line) {
                assertThat(second.await(next, 30).outcome()).isEqualTo("granted");
                assertThat(second.release(next).status()).isEqualTo(200);
            }
            assertThat(first.integrity().text()).isEqualTo("{\"violations\":[]}");
        }
    }

    private static ServiceProcess replica(PrimaryAndStandby servers) {
        return ServiceProcess.startOn(
                TestDatabase.fresh(), // Not used.
                Map.of(
                        "LOCKKEEPER_DATABASE_URL", servers.url(),
                        "LOCKKEEPER_DATABASE_USER", servers.username(),
                        "LOCKKEEPER_DATABASE_PASSWORD", servers.password(),
                        "LOGGING_LEVEL_ROOT", "info"));
    }
}
