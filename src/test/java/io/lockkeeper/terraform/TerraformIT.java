package io.lockkeeper.terraform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lockkeeper.ServiceProcess;
import io.lockkeeper.Traces;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Terraform itself, against the packaged service. Skipped where there is no Terraform. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TerraformIT {
    private static final Path TERRAFORM = Path.of("/usr/local/bin/terraform");
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final JsonMapper JSON = new JsonMapper();
    private static final AtomicInteger COUNT = new AtomicInteger();
    private static final Pattern LOCKED_BY = Pattern.compile("already locked: ID=([0-9a-f-]{36})");

    /** While its provisioner runs, the apply holds the lock: it says that it is there, and waits to be let go. */
    private static final String CONFIGURATION = """
            terraform {
              backend "http" {}
            }

            variable "value" {
              type = string
            }

            variable "pauses" {
              type    = bool
              default = false
            }

            resource "terraform_data" "it" {
              input            = var.value
              triggers_replace = var.value

              provisioner "local-exec" {
                command = var.pauses ? "touch applying; cat go" : "true"
              }
            }

            output "value" {
              value     = terraform_data.it.output
              sensitive = true
            }
            """;

    @TempDir
    private Path directories;

    private final HttpClient http = HttpClient.newHttpClient();
    private ServiceProcess service;
    private String deployer = "";

    @BeforeAll
    void start() {
        assumeTrue(Files.isExecutable(TERRAFORM), "skipped: there is no " + TERRAFORM + " on this machine");
        service = ServiceProcess.start("--lockkeeper.terraform.state-keys=key-of-the-integration-test-1234567");
        deployer = call("POST", "/api/admin/tokens", "{\"name\": \"terraform\", \"role\": \"deploy\"}")
                .path("token")
                .asString();
    }

    @AfterAll
    void stop() {
        http.close();
        if (service != null) {
            service.close();
        }
    }

    private JsonNode call(String method, String path, String body, String... headers) {
        var request = HttpRequest.newBuilder(service.url().resolve(path))
                .method(method, BodyPublishers.ofString(body))
                .header("Authorization", "Bearer " + service.adminToken())
                .header("Content-Type", "application/json");
        if (headers.length > 0) {
            request.headers(headers);
        }
        try {
            return JSON.readTree(
                    http.send(request.build(), BodyHandlers.ofString()).body());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private JsonNode status(String environment) {
        return call("GET", "/api/admin/deployment-status?environment=" + environment, "");
    }

    private JsonNode acquire(String environment) {
        return call(
                "POST",
                "/api/environments/" + environment + "/acquire",
                "{\"user\": \"carol\", \"hostname\": \"ci-7\"}");
    }

    private void release(JsonNode acquired) {
        call(
                "POST",
                "/api/runs/" + acquired.at("/run/id").asLong() + "/release",
                "{}",
                "Lock-Token",
                acquired.path("lock_token").asString());
    }

    /** A checkout with a configuration, whose state is that of an environment. */
    private final class Checkout {
        private final Path directory;
        private final String environment;

        Checkout(String environment) {
            this.environment = environment;
            try {
                directory = Files.createDirectory(directories.resolve("checkout-" + COUNT.incrementAndGet()));
                Files.writeString(directory.resolve("main.tf"), CONFIGURATION);
                assertThat(new ProcessBuilder("mkfifo", directory.resolve("go").toString())
                                .start()
                                .waitFor())
                        .isZero();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException(e);
            }
        }

        Checkout initialized() {
            assertThat(run("init", "-input=false")).contains("Successfully configured the backend");
            return this;
        }

        /** What it printed; it must end well. */
        String run(String... arguments) {
            return begin(deployer, arguments).ended(0);
        }

        Terraform begin(String token, String... arguments) {
            List<String> command = new ArrayList<>(List.of(TERRAFORM.toString()));
            command.addAll(List.of(arguments));
            try {
                var output = Files.createTempFile(directory, "output-", ".txt");
                var builder = new ProcessBuilder(command)
                        .directory(directory.toFile())
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile());
                builder.environment().keySet().removeIf(name -> name.startsWith("TF_"));
                var address = service.url() + "/api/terraform/" + environment;
                builder.environment()
                        .putAll(Map.of(
                                "TF_HTTP_ADDRESS", address,
                                "TF_HTTP_LOCK_ADDRESS", address,
                                "TF_HTTP_UNLOCK_ADDRESS", address,
                                "TF_HTTP_USERNAME", "terraform",
                                "TF_HTTP_PASSWORD", token,
                                "TF_IN_AUTOMATION", "1",
                                "CHECKPOINT_DISABLE", "1"));
                return new Terraform(builder.start(), output);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        String apply(String value) {
            return run("apply", "-auto-approve", "-no-color", "-var", "value=" + value);
        }

        /** An apply that holds the lock now. */
        Terraform applying(String value) {
            var terraform = begin(
                    deployer, "apply", "-auto-approve", "-no-color", "-var", "value=" + value, "-var", "pauses=true");
            await().atMost(PATIENCE).until(() -> Files.exists(directory.resolve("applying")) || !terraform.isAlive());
            assertThat(terraform.isAlive()).as(terraform.output()).isTrue();
            return terraform;
        }

        void goOn() {
            try {
                Files.writeString(directory.resolve("go"), "on\n");
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        String value() {
            return run("output", "-raw", "value");
        }
    }

    private record Terraform(Process process, Path outputFile) {
        boolean isAlive() {
            return process.isAlive();
        }

        String output() {
            try {
                return Files.readString(outputFile, StandardCharsets.UTF_8);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** What it printed, in one line: Terraform breaks its lines where they get too long. */
        String ended(int status) {
            try {
                assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS))
                        .as(output())
                        .isTrue();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException(e);
            }
            assertThat(process.exitValue()).as(output()).isEqualTo(status);
            return output().replaceAll("\\s+", " ");
        }

        /** With what its provisioner has started, which would go on waiting. */
        void kill9() {
            var children = process.descendants().toList();
            process.destroyForcibly();
            children.forEach(ProcessHandle::destroyForcibly);
            process.onExit().join();
        }
    }

    private static String environment() {
        return "infra-" + COUNT.incrementAndGet();
    }

    @Test
    void init_and_apply_keep_the_state_which_nobody_finds_in_the_database() {
        var secret = "password-" + UUID.randomUUID();
        // Looked for in all logs, metrics and databases by LeftSecretsIT.
        Traces.secret(secret);
        var checkout = new Checkout(environment()).initialized();

        checkout.apply(secret);

        assertThat(checkout.value()).isEqualTo(secret);
        assertThat(status(checkout.environment).at("/lock/status").asString()).isEqualTo("unlocked");
        assertThat(status(checkout.environment).path("last_deployment").isNull())
                .isTrue();
        assertThat(checkout.run("plan", "-no-color", "-var", "value=" + secret)).contains("No changes");
    }

    @Test
    void of_two_applies_at_once_the_second_names_the_first_or_waits_for_it() {
        var environment = environment();
        var first = new Checkout(environment).initialized();
        var second = new Checkout(environment).initialized();
        var applying = first.applying("first");

        var refused = second.begin(deployer, "apply", "-auto-approve", "-no-color", "-var", "value=second")
                .ended(1);
        var holder = jdbc().sql(
                        "SELECT foreign_lock_id FROM run WHERE status = 'in_progress' AND environments = ARRAY[?::text]")
                .param(environment)
                .query(String.class)
                .single();
        assertThat(refused).contains("HTTP remote state already locked: ID=" + holder);

        var waiting = second.begin(
                deployer, "apply", "-auto-approve", "-no-color", "-lock-timeout=120s", "-var", "value=second");
        await().atMost(PATIENCE)
                .until(() -> status(environment).at("/queue/length").asInt() >= 2);
        first.goOn();
        applying.ended(0);
        waiting.ended(0);
        assertThat(first.value()).isEqualTo("second");
    }

    @Test
    void deployment_waits_for_the_apply() {
        var checkout = new Checkout(environment()).initialized();
        var applying = checkout.applying("one");

        var waiting = acquire(checkout.environment);

        assertThat(waiting.path("outcome").asString()).isEqualTo("queued");
        assertThat(waiting.at("/blockers/0/title").asString()).isEqualTo("terraform apply");
        checkout.goOn();
        applying.ended(0);
        var granted = call(
                "GET",
                "/api/runs/" + waiting.at("/run/id").asLong() + "?wait_seconds=30",
                "",
                "Lock-Token",
                waiting.path("lock_token").asString());
        assertThat(granted.path("outcome").asString()).isEqualTo("granted");
    }

    @Test
    void apply_is_kept_out_by_a_deployment_and_goes_on_after_it() {
        var checkout = new Checkout(environment()).initialized();
        var deployment = acquire(checkout.environment);

        var refused = checkout.begin(deployer, "apply", "-auto-approve", "-no-color", "-var", "value=one")
                .ended(1);
        assertThat(refused)
                .contains("already locked: ID=run-" + deployment.at("/run/id").asLong() + " (deployment by carol@ci-7");

        var waiting = checkout.begin(
                deployer, "apply", "-auto-approve", "-no-color", "-lock-timeout=120s", "-var", "value=one");
        await().atMost(PATIENCE)
                .until(() -> status(checkout.environment).at("/queue/length").asInt() >= 2);
        release(deployment);
        waiting.ended(0);
        assertThat(checkout.value()).isEqualTo("one");
    }

    @Test
    void crashed_apply_keeps_its_lock_until_an_admin_force_unlocks_it() {
        var environment = environment();
        var crashed = new Checkout(environment).initialized();
        var next = new Checkout(environment).initialized();
        crashed.applying("lost").kill9();

        var refused = next.begin(deployer, "apply", "-auto-approve", "-no-color", "-var", "value=next")
                .ended(1);
        var locked = LOCKED_BY.matcher(refused);
        assertThat(locked.find()).as(refused).isTrue();
        var id = locked.group(1);

        next.begin(deployer, "force-unlock", "-no-color", "-force", id).ended(1);
        assertThat(next.begin(service.adminToken(), "force-unlock", "-no-color", "-force", id)
                        .ended(0))
                .contains("successfully unlocked");
        // The apply that was refused still has its place in the queue for a while, before this one.
        next.begin(deployer, "apply", "-auto-approve", "-no-color", "-lock-timeout=120s", "-var", "value=next")
                .ended(0);
        assertThat(next.value()).isEqualTo("next");
    }

    @Test
    void apply_whose_lease_ran_out_writes_nothing_and_can_be_pushed_later() {
        var checkout = new Checkout(environment()).initialized();
        var applying = checkout.applying("late");
        jdbc().sql("UPDATE run SET lease_expires_at = statement_timestamp() WHERE environments = ARRAY[?::text]")
                .param(checkout.environment)
                .update();
        checkout.goOn();

        applying.ended(1);

        assertThat(checkout.directory.resolve("errored.tfstate")).exists();
        checkout.run("state", "push", "errored.tfstate");
        assertThat(checkout.value()).isEqualTo("late");
    }

    @Test
    void earlier_state_is_restored_and_terraform_goes_on_from_it() {
        var checkout = new Checkout(environment()).initialized();
        checkout.apply("one");
        var good = versions(checkout).at("/items/0/version").asLong();
        checkout.apply("two");

        var restored = call("POST", path(checkout) + "/versions/" + good + "/restore", "");

        assertThat(restored.path("restored_from").asLong()).isEqualTo(good);
        assertThat(checkout.value()).isEqualTo("one");
        checkout.apply("three");
        assertThat(checkout.value()).isEqualTo("three");
    }

    @Test
    void write_without_a_lock_is_refused() {
        var checkout = new Checkout(environment()).initialized();
        checkout.begin(deployer, "apply", "-auto-approve", "-no-color", "-lock=false", "-var", "value=x")
                .ended(1);
        assertThat(versions(checkout).path("items").isEmpty()).isTrue();
    }

    private JsonNode versions(Checkout checkout) {
        return call("GET", path(checkout) + "/versions", "");
    }

    private static String path(Checkout checkout) {
        return URI.create("/api/terraform/" + checkout.environment).toString();
    }

    private JdbcClient jdbc() {
        return JdbcClient.create(service.database().dataSource());
    }
}
