package io.lockkeeper.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lockkeeper.client.ShellClient.Running;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.jdbc.core.simple.JdbcClient;

/** What admins decide with the client, and what that does to the clients of others. */
@ParameterizedClass
@MethodSource("io.lockkeeper.client.ShellClient#poorestShells")
class ShellAdminIT extends ShellClientFixture {
    private static final String STOPPABLE =
            "trap 'echo stopping; exit 0' TERM; echo ready; while :; do sleep 0.1; done";

    ShellAdminIT(String shell) {
        super(shell);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    force-release e                          | there is no terminal to ask on
                    force-release e --yes --reason r         | --yes needs --confirm e
                    force-release e --yes --confirm e        | needs --reason
                    force-release a,b --yes --confirm a      | one environment at a time
                    freeze e                                 | needs --reason
                    freeze --reason r                        | which environment?
                    freeze e --all --reason r                | e or --all, not both
                    freeze e --reason r --until tomorrow     | needs an instant like
                    freeze e --reason r --for 9 --until 2099-01-01T00:00:00Z | not both
                    approve                                  | which run?
                    approve 999999999                        | There is no run 999999999
                    reject 1                                 | needs --reason
                    prioritize 1 --pass-freeze=yes --reason r | takes no value
                    acknowledge e                            | needs --reason
                    create-token --role view                 | for whom?
                    create-token ci                          | needs --role
                    create-token ci --role root              | knows view, deploy, admin
                    create-token ci --role view --environments Shop/* | needs names of environments
                    create-token admin --role view           | name must not be admin
                    tokens ci                                | unexpected argument ci
                    revoke-token                             | which token?
                    revoke-token nobody                      | no token has the name "nobody"
                    revoke-token 999999999                   | There is no token 999999999
                    """)
    void misuse_is_named_and_exits_with_2(String arguments, String message) {
        refused(2, message, arguments.split(" +"));
    }

    @Test
    void preempted_run_stops_its_command_and_exits_with_5() {
        var deployment = client.start("run", environment, "--lease", "6", "--", "sh", "-c", STOPPABLE);
        deployment.awaitStdout("ready");
        var forced = force("--confirm", environment, "--reason", "rebooted", "--even-if-alive");
        assertThat(forced.exitStatus()).as(forced.stderr()).isZero();
        assertThat(forced.stdout()).startsWith("Run " + deployment.run() + " has lost the lock.");
        assertThat(forced.stderr()).startsWith(environment + ": locked by ").contains("alive, heard ");
        assertThat(deployment.exitStatus()).isEqualTo(5);
        assertThat(deployment.stdout()).isEqualTo("ready\nstopping\n");
        assertThat(deployment.stderr()).contains("force-released by admin: rebooted");
        assertThat(status(deployment.run())).isEqualTo("preempted");
    }

    @Test
    void dead_holder_loses_the_lock_and_a_living_one_does_not() {
        long run = Long.parseLong(hold().getOrDefault("run_id", ""));
        refused(6, "repeat with --even-if-alive", force("--confirm", environment, "--reason", "r"));
        refused(6, "\"other\" is not \"" + environment + "\"", force("--confirm", "other", "--reason", "r"));
        assertThat(status(run)).isEqualTo("in_progress");

        silence(run);
        assertThat(client.run("status", environment).stdout())
                .containsPattern("heartbeat +none for 20 min, probably dead; the lease ends in ");
        assertThat(force("--confirm", environment, "--reason", "r").exitStatus())
                .isZero();
        assertThat(status(run)).isEqualTo("preempted");
        refused(6, "nobody holds the lock", force("--confirm", environment, "--reason", "r"));
    }

    private void silence(long run) {
        JdbcClient.create(service.database().dataSource()).sql("""
                        UPDATE run
                        SET last_contact_at = last_contact_at - interval '20 min',
                            lease_expires_at = lease_expires_at - interval '20 min'
                        WHERE id = ?
                        """).param(run).update();
    }

    @Test
    void protected_environment_takes_a_second_admin() {
        declare("{\"protected\":true}");
        long run = Long.parseLong(hold().getOrDefault("run_id", ""));
        String[] options = {"--confirm", environment, "--reason", "dead", "--even-if-alive"};
        refused(6, "Another admin has 15 minutes", force(options));
        assertThat(status(run)).isEqualTo("in_progress");
        becomeBob();
        assertThat(force(options).exitStatus()).isZero();
        assertThat(status(run)).isEqualTo("preempted");
    }

    @Test
    void terminal_asks_for_the_reason_and_the_name() {
        assumeTrue(ShellClient.succeeds("script -qec true /dev/null"), "there is no script of util-linux");
        long run = Long.parseLong(hold().getOrDefault("run_id", ""));
        client.write("typed", "x\n");
        var alive = client.startOnTerminal("force-release", environment);
        assertThat(alive.exitStatus()).as(alive.stdout()).isEqualTo(6);
        assertThat(alive.stdout()).contains("lockkeeper cancel " + run);

        client.write("typed", "the runner was rebooted\nsomewhere-else\n");
        var slip = client.startOnTerminal("force-release", environment, "--even-if-alive");
        assertThat(slip.exitStatus()).as(slip.stdout()).isEqualTo(6);
        assertThat(slip.stdout()).contains("nothing was released");
        assertThat(status(run)).isEqualTo("in_progress");

        client.write("typed", "the runner was rebooted\n" + environment + "\n");
        var sure = client.startOnTerminal("force-release", environment, "--even-if-alive");
        assertThat(sure.exitStatus()).as(sure.stdout()).isZero();
        assertThat(column(run, "status_reason")).isEqualTo("force-released by admin: the runner was rebooted");
    }

    @Test
    void holder_that_came_while_the_name_was_typed_keeps_the_lock() {
        assumeTrue(ShellClient.succeeds("script -qec true /dev/null"), "there is no script of util-linux");
        var seen = hold();
        var typing = client.startOnTerminal("force-release", environment, "--even-if-alive", "--reason", "stuck");
        typing.awaitStdout("type the environment's name");
        release(seen);
        long next = Long.parseLong(hold().getOrDefault("run_id", ""));
        client.write("typed", environment + "\n");
        assertThat(typing.exitStatus()).as(typing.stdout()).isEqualTo(6);
        assertThat(typing.stdout()).contains("is held by run " + next + " ");
        assertThat(status(next)).isEqualTo("in_progress");
    }

    @Test
    void freeze_makes_a_run_wait_and_unfreeze_lets_it_go() {
        declare("{}");
        var frozen = client.run("freeze", environment, "--reason", "Release weekend", "--for", "7200");
        assertThat(frozen.stdout()).startsWith("Nothing is granted in " + environment + " now, until ");
        var waiting = client.start("run", environment, "--", "echo", "deployed");
        waiting.awaitStderr(" waits at position 1, held back by the freeze of " + environment + " until ")
                .awaitStderr(" by admin (Release weekend)");
        assertThat(client.run("status", environment).stdout())
                .startsWith(environment + ": free, but frozen\n")
                .containsPattern("frozen +Release weekend, by admin, until [^ ]+ \\((in 2 h 0|in 1 h 59) min\\)")
                .containsPattern("queue +1\\. run " + waiting.run() + " .*, waiting for [0-9]+ s, about 2.0 h to go\n");
        assertThat(client.run("unfreeze", environment).stdout()).contains(" is lifted");
        assertThat(waiting.exitStatus()).isZero();
        assertThat(waiting.stdout()).isEqualTo("deployed\n");
    }

    @Test
    void freeze_of_everything_is_passed_by_a_run_that_is_prioritized() {
        assertThat(client.run("freeze", "--all", "--reason", "Incident 12").exitStatus())
                .isZero();
        try {
            var waiting = client.start("run", environment, "--", "true");
            waiting.awaitStderr("(Incident 12)");
            client.run("prioritize", waiting.run() + "", "--reason", "the fix", "--pass-freeze");
            assertThat(waiting.exitStatus()).isZero();
        } finally {
            assertThat(client.run("unfreeze", "--all").exitStatus()).isZero();
        }
    }

    @Test
    void environment_that_is_still_frozen_with_all_others_is_not_said_to_go_on() {
        assertThat(client.run("freeze", "--all", "--reason", "Incident 12").exitStatus())
                .isZero();
        try {
            declare("{}");
            client.run("freeze", environment, "--reason", "Migration");
            assertThat(client.run("unfreeze", environment).stdout())
                    .isEqualTo("The freeze of " + environment
                            + " is lifted, but nothing is granted yet because of the freeze of all environments by admin"
                            + " (Incident 12).\n");
            assertThat(client.run("unfreeze", environment).stdout())
                    .startsWith(environment + " itself was not frozen, but nothing is granted yet because of ");
            assertThat(client.run("status", environment).stdout())
                    .containsPattern("frozen +all environments: Incident 12, by admin");
        } finally {
            client.run("unfreeze", "--all");
        }
    }

    @Test
    void history_tells_what_became_of_runs() {
        client.run("run", environment, "--sha", "a1b2c3d", "--", "true");
        client.run("run", environment, "--title", "Deploy #2", "--", "false");
        String time = "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z";

        assertThat(client.run("history", environment).stdout())
                .matches(time + " run [0-9]+ failure in " + environment
                        + " \\(.*\\), Deploy #2, took [0-9]+ s: released by its client\n" + time
                        + " run [0-9]+ success of a1b2c3d in " + environment + " \\(.*\\), took [0-9]+ s\n");
        assertThat(client.run("history", environment, "--status", "success,expired")
                        .stdout())
                .contains("success")
                .doesNotContain("failure");
        var page = client.run("history", environment, "--limit", "1");
        assertThat(page.stdout()).hasLineCount(1);
        assertThat(page.stderr()).contains("--before ");
        assertThat(client.run("history", environment, "--user", "nobody").stderr())
                .isEqualTo("lockkeeper: no run is like that\n");
        assertThat(client.run("history", environment, "--json").stdout()).startsWith("{\"items\":[");
        refused(2, "status must be one or several", "history", environment, "--status", "done");
        refused(2, "limit must be between 1 and 200", "history", environment, "--limit", "0");
    }

    @Test
    void cancelled_holder_says_who_wanted_it_and_why() {
        var deployment = client.start("run", environment, "--lease", "6", "--", "sh", "-c", STOPPABLE);
        deployment.awaitStdout("ready");
        client.run("cancel", deployment.run() + "", "--reason", "wrong branch");
        assertThat(deployment.exitStatus()).isEqualTo(6);
        assertThat(deployment.stderr())
                // The first is said beside the stopping, so that a terminal that does not read holds up nothing; it may
                // come last.
                .contains("asks run " + deployment.run() + " to stop (cancelled by admin: wrong branch)")
                .contains("run " + deployment.run() + " was asked to stop (cancelled by admin: wrong branch)\n");
        assertThat(status(deployment.run())).isEqualTo("cancelled");
    }

    @Test
    void run_waits_for_somebody_elses_approval() {
        declare("{\"approvals_required\":1}");
        var waiting = client.start("run", environment, "--", "echo", "deployed");
        waiting.awaitStderr(" waits for 1 missing approval of 1\n");
        assertThat(client.run("status", environment).stdout())
                .containsPattern("approval +run " + waiting.run() + " .*0 of 1 approvals\n");
        refused(6, "is your own", client.run("approve", waiting.run() + ""));
        becomeBob();
        assertThat(client.run("approve", waiting.run() + "", "--comment", "fine")
                        .exitStatus())
                .isZero();
        assertThat(waiting.exitStatus()).isZero();
        refused(6, "nothing left to decide", client.run("approve", waiting.run() + ""));
    }

    @Test
    void rejected_run_exits_with_6_and_says_why() {
        declare("{\"approvals_required\":1}");
        var waiting = client.start("run", environment, "--", "echo", "deployed");
        waiting.awaitStderr(" missing approval ");
        assertThat(client.run("reject", waiting.run() + "", "--reason", "not today")
                        .exitStatus())
                .isZero();
        assertThat(waiting.exitStatus()).isEqualTo(6);
        assertThat(waiting.stdout()).isEmpty();
        assertThat(waiting.stderr()).contains("rejected by admin: not today");
    }

    @Test
    void quarantine_ends_when_it_is_acknowledged() {
        declare("{\"on_failure\":\"quarantine\"}");
        client.run("run", environment, "--", "false");
        assertThat(client.run("status", environment).stdout())
                .startsWith(environment + ": free, but in quarantine\n")
                .containsPattern("quarantine +run [0-9]+ ended as failure");
        var waiting = client.start("run", environment, "--", "true");
        waiting.awaitStderr(", held back by the quarantine of " + environment);
        client.run("acknowledge", environment, "--reason", "rolled back");
        assertThat(waiting.exitStatus()).isZero();
    }

    @Test
    void status_is_coloured_on_terminals_only() {
        assumeTrue(ShellClient.succeeds("script -qec true /dev/null"), "there is no script of util-linux");
        client.run("run", environment, "--", "true");
        client.set("TERM", "xterm").write("typed", "x\n");
        var coloured = client.startOnTerminal("status", environment);
        assertThat(coloured.exitStatus()).isZero();
        assertThat(coloured.stdout()).contains(environment + ": \033[32mfree\033[0m");
        client.set("NO_COLOR", "1").write("typed", "x\n");
        var plain = client.startOnTerminal("status", environment);
        assertThat(plain.exitStatus()).isZero();
        assertThat(plain.stdout()).contains(environment + ": free").doesNotContain("\033[");
    }

    @Test
    void token_is_made_for_a_file_listed_and_revoked() {
        String name = "ci of \"" + environment + "\"";
        var created = client.run(
                "create-token", name, "--role", "deploy", "--environments", environment + ",shop-*", "--for", "60");
        assertThat(created.exitStatus()).as(created.stderr()).isZero();
        assertThat(created.stdout()).matches("lkt_[A-Za-z0-9_-]{43}\n");
        assertThat(created.stderr())
                .matches("lockkeeper: token [0-9]+, " + Pattern.quote(name) + ", may deploy in " + environment
                        + ",shop-\\* until [^ ]+Z; it is not shown again\n")
                .doesNotContain("lkt_");

        assertThat(client.run("tokens").stdout())
                .containsPattern("(?m)^[0-9]+ " + Pattern.quote(name) + ": deploy in " + environment
                        + ", shop-\\*, made [^ ]+Z by admin, good until [^ ]+Z, never used$")
                .doesNotContain("lkt_");
        assertThat(client.run("tokens", "--json").stdout()).startsWith("{\"items\":[{\"id\":");
        assertThat(client.run("tokens", "--limit", "1").stdout()).hasLineCount(1);
        refused(2, "There is a live token named", "create-token", name, "--role", "view");

        client.set("LOCKKEEPER_TOKEN", created.stdout().strip());
        assertThat(client.run("run", environment, "--", "true").exitStatus()).isZero();
        refused(3, "admin", "tokens");
        client.set("LOCKKEEPER_TOKEN", service.adminToken());

        assertThat(client.run("revoke-token", name).stdout()).matches("Token [0-9]+ is refused from now on\\.\n");
        client.set("LOCKKEEPER_TOKEN", created.stdout().strip());
        refused(3, "The token is not valid here", "check-queue", environment);
        client.set("LOCKKEEPER_TOKEN", service.adminToken());
        assertThat(client.run("tokens").stdout())
                .containsPattern("(?m)^[0-9]+ " + Pattern.quote(name) + ": .*, revoked [^ ]+Z$");
    }

    @Test
    void token_is_revoked_by_its_id_too() {
        String json = client.run("create-token", "by-id-" + environment, "--role", "view", "--json")
                .stdout();
        var id = Pattern.compile("\"id\":([0-9]+)").matcher(json);
        assertThat(id.find()).as(json).isTrue();
        assertThat(json).contains("\"token\":\"lkt_", "\"environments\":[\"*\"]");
        assertThat(client.run("revoke-token", id.group(1)).stdout())
                .isEqualTo("Token " + id.group(1) + " is refused from now on.\n");
    }

    private Running force(String... options) {
        return client.run(arguments(options, "force-release", environment, "--yes"));
    }

    private void refused(int exitStatus, String message, String... arguments) {
        refused(exitStatus, message, client.run(arguments));
    }

    private static void refused(int exitStatus, String message, Running running) {
        assertThat(running.exitStatus()).as(running.stderr()).isEqualTo(exitStatus);
        assertThat(running.stderr()).contains(message);
        assertThat(running.stdout()).isEmpty();
    }

    private void declare(String policy) {
        assertThat(call("PUT", "/api/admin/environments/" + environment, "application/json", policy))
                .startsWith("{\"environment\":");
    }

    /** From here on the client is another admin's. */
    private void becomeBob() {
        String answer = call(
                "POST",
                "/api/admin/tokens",
                "application/json",
                "{\"name\":\"bob-of-" + environment + "\",\"role\":\"admin\"}");
        var token = Pattern.compile("\"token\":\"([^\"]+)\"").matcher(answer);
        assertThat(token.find()).as(answer).isTrue();
        client.set("LOCKKEEPER_TOKEN", token.group(1));
    }
}
