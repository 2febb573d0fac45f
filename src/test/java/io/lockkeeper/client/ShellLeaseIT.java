package io.lockkeeper.client;

import static io.lockkeeper.client.ShellClient.await;
import static io.lockkeeper.client.ShellClient.lives;
import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.ServiceProcess;
import java.io.IOException;
import java.sql.Timestamp;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.jdbc.core.simple.JdbcClient;

/** What holds when a client, its command, its network or the service dies. */
@ParameterizedClass
@MethodSource("io.lockkeeper.client.ShellClient#poorestShells")
class ShellLeaseIT extends ShellClientFixture {
    private static final Duration LEASE = Duration.ofSeconds(5);

    ShellLeaseIT(String shell) {
        super(shell);
    }

    @Test
    void killed_client_loses_its_lease_and_the_next_one_follows_within_two_seconds() throws IOException {
        var killed = client.start(
                "run", "--lease", "5", environment, "--", "sh", "-c", "echo $LOCKKEEPER_LOCK_TOKEN; sleep 1000");
        String lockToken = killed.awaitStdout("\n").stdout().strip();
        var next = client.start("run", environment, "--", "echo", "deployed");
        next.awaitStderr(" waits at position 1");
        killed.killTree();

        assertThat(next.exitStatus()).isZero();
        assertThat(next.stdout()).isEqualTo("deployed\n");
        assertThat(status(killed.run())).isEqualTo("expired");
        var end = ((Timestamp) column(killed.run(), "lease_expires_at")).toInstant();
        var grant = ((Timestamp) column(next.run(), "granted_at")).toInstant();
        assertThat(Duration.between(end, grant)).isBetween(Duration.ZERO, Duration.ofSeconds(2));

        client.set("LOCKKEEPER_LOCK_TOKEN", lockToken);
        var heartbeat = client.run("heartbeat");
        assertThat(heartbeat.exitStatus()).isEqualTo(5);
        assertThat(heartbeat.stderr()).contains("Run " + killed.run() + " ");
        assertThat(client.run("release").exitStatus()).isEqualTo(5);
        assertThat(status(killed.run())).isEqualTo("expired");
        client.removeLeftovers(); // Nobody was left to do it.
    }

    @Test
    void command_does_not_outlive_a_killed_client() {
        var killed = client.start(
                "run",
                "--lease",
                "5",
                environment,
                "--",
                "sh",
                "-c",
                "trap '' TERM; echo $$; while :; do sleep 0.1; done");
        long command = Long.parseLong(killed.awaitStdout("\n").stdout().strip());
        long start = System.nanoTime();
        killed.process().destroyForcibly();
        await("the end of the command", () -> !lives(command));
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(LEASE);
        await("the end of the guard", () -> client.leftovers().isEmpty());
        await("the end of the lease", () -> status(killed.run()).equals("expired"));
    }

    @Test
    void unreachable_service_stops_the_command_before_the_lease_ends() {
        try (var own = ServiceProcess.start()) {
            use(own);
            var deployment = client.start(
                    "run",
                    "--lease",
                    "5",
                    environment,
                    "--",
                    "sh",
                    "-c",
                    "trap '' TERM; echo $$; while :; do sleep 0.1; done");
            long command = Long.parseLong(deployment.awaitStdout("\n").stdout().strip());
            own.kill9();
            // The last heartbeat that was answered left before this, so the lease ends before LEASE has passed from
            // here.
            long killed = System.nanoTime();
            await("the end of the command", () -> !lives(command));
            assertThat(Duration.ofNanos(System.nanoTime() - killed)).isLessThan(LEASE);
            assertThat(deployment.exitStatus()).isEqualTo(5);
            assertThat(deployment.stderr())
                    .contains("the lease of run " + deployment.run() + " is lost")
                    .contains("could not be released");
        }
    }

    @Test
    void heartbeats_keep_a_lease_much_longer_than_it_lasts() {
        var deployment = client.start("run", "--lease", "5", environment, "--", "sleep", "8");
        assertThat(deployment.exitStatus()).isZero();
        assertThat(status(deployment.run())).isEqualTo("success");
    }

    @Test
    void lock_that_was_taken_away_is_not_a_success() {
        var deployment =
                client.start("run", environment, "--", "sh", "-c", "echo ready; until [ -e go ]; do sleep 0.1; done");
        deployment.awaitStdout("ready");
        JdbcClient.create(service.database().dataSource())
                .sql("UPDATE run SET lease_expires_at = granted_at WHERE id = ?")
                .param(deployment.run())
                .update();
        await("the sweeper", () -> status(deployment.run()).equals("expired"));
        client.write("go", "");
        assertThat(deployment.exitStatus()).isEqualTo(5);
    }
}
