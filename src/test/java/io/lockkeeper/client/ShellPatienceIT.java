package io.lockkeeper.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.ServiceProcess;
import java.sql.Timestamp;
import org.junit.jupiter.api.Test;

/** What takes its time: a call's whole wait, a service's start. One shell must do, the machine's own. */
class ShellPatienceIT extends ShellClientFixture {

    ShellPatienceIT() {
        super("sh");
    }

    @Test
    void killed_service_is_picked_up_again_by_holder_and_waiter_when_it_is_back() {
        try (var own = ServiceProcess.start()) {
            use(own);
            var holder = client.start(
                    "run",
                    "--lease",
                    "60",
                    environment,
                    "--",
                    "sh",
                    "-c",
                    "echo ready; until [ -e go ]; do sleep 0.1; done");
            holder.awaitStdout("ready");
            var first = client.start("run", environment, "--", "echo", "first");
            first.awaitStderr(" waits at position 1");
            var second = client.start("run", environment, "--", "echo", "second");
            second.awaitStderr(" waits at position 2");

            own.kill9();
            first.awaitStderr("trying again");
            try (var back = own.restart()) {
                use(back);
                first.awaitStderr("answers again");
                client.write("go", "");
                assertThat(holder.exitStatus()).isZero();
                assertThat(first.exitStatus()).isZero();
                assertThat(second.exitStatus()).isZero();
                assertThat((Timestamp) column(first.run(), "completed_at"))
                        .isBeforeOrEqualTo((Timestamp) column(second.run(), "granted_at"));
            }
        }
    }

    @Test
    void waiting_client_says_when_it_moves_up() {
        var holder = hold();
        var second = client.start("run", environment, "--", "true");
        second.awaitStderr(" waits at position 1,");
        var third = client.start("run", environment, "--", "true");
        third.awaitStderr(" waits at position 2,");
        second.signal("TERM");
        third.awaitStderr(" waits at position 1,");
        release(holder);
        assertThat(third.exitStatus()).isZero();
        assertThat(second.exitStatus()).isEqualTo(143);
    }
}
