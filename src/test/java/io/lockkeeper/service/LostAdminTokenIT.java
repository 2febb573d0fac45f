package io.lockkeeper.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lockkeeper.ServiceProcess;
import io.lockkeeper.TestDatabase;
import io.lockkeeper.service.Api.Answer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** docs/lost-admin-token.md, followed to the letter. */
class LostAdminTokenIT {

    @TempDir
    Path directory;

    @Test
    void access_to_the_database_makes_a_new_admin_at_once_and_running_deployments_go_on() throws Exception {
        assumeTrue(exitStatus("command -v psql && command -v openssl", null) == 0, "psql or openssl is missing");
        try (ServiceProcess service = ServiceProcess.start()) {
            Answer holder = new Api(service.url(), service.adminToken()).acquire("production", "{}");

            assertThat(exitStatus(documentedCommand(), service.database()))
                    .as(output())
                    .isZero();

            String token = Files.readString(directory.resolve("recovered-token"));
            assertThat(token).matches("lkt_[A-Za-z0-9_-]{43}");
            Api recovered = new Api(service.url(), token);
            Answer made = recovered.call("POST", "/api/admin/tokens", "{\"name\":\"new\",\"role\":\"admin\"}");
            assertThat(made.status()).isEqualTo(201);
            assertThat(recovered.heartbeat(holder).status()).isEqualTo(200);
            assertThat(recovered.call("GET", "/api/admin/audit", null).text())
                    .contains("The admin token was lost.")
                    .doesNotContain(token);
        }
    }

    @Test
    void another_admin_token_is_in_force_from_the_restart_on_and_the_old_one_is_not() {
        TestDatabase database = TestDatabase.migrated();
        Answer holder;
        String deployer;
        try (ServiceProcess service = ServiceProcess.startOn(database)) {
            Api lost = new Api(service.url(), service.adminToken());
            deployer = lost.call("POST", "/api/admin/tokens", "{\"name\":\"ci\",\"role\":\"deploy\"}")
                    .json()
                    .path("token")
                    .asString();
            holder = new Api(service.url(), deployer).acquire("production", "{}");
        }
        try (ServiceProcess service =
                ServiceProcess.startOn(database, "--lockkeeper.admin-token=another-admin-token")) {
            Answer refused = new Api(service.url(), service.adminToken()).integrity();
            assertThat(refused.status()).isEqualTo(401);
            assertThat(new Api(service.url(), "another-admin-token").integrity().status())
                    .isEqualTo(200);
            assertThat(new Api(service.url(), deployer).heartbeat(holder).status())
                    .isEqualTo(200);
        }
    }

    private static String documentedCommand() throws Exception {
        var block = Pattern.compile("(?s)<!-- test of its own: LostAdminTokenIT -->\n```sh\n(.*?)```")
                .matcher(Files.readString(Path.of("docs/lost-admin-token.md")));
        assertThat(block.find()).isTrue();
        return block.group(1);
    }

    private int exitStatus(String command, @Nullable TestDatabase database) throws Exception {
        var builder = new ProcessBuilder("sh", "-euc", command).directory(directory.toFile());
        if (database != null) {
            builder.environment()
                    .put(
                            "DATABASE_URL",
                            database.jdbcUrl().replaceFirst("^jdbc:", "").replaceFirst("[?].*", ""));
            builder.environment().put("PGUSER", database.username());
            builder.environment().put("PGPASSWORD", database.password());
        }
        builder.redirectErrorStream(true)
                .redirectOutput(directory.resolve("output").toFile());
        return builder.start().waitFor();
    }

    private String output() throws Exception {
        return Files.readString(directory.resolve("output"), StandardCharsets.UTF_8);
    }
}
