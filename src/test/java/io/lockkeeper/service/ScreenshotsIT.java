package io.lockkeeper.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.ServiceProcess;
import io.lockkeeper.service.Api.Answer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

/** Pictures of the page in {@code target/screenshots}, for whoever reviews it: docs/page.md says how to make them alone. */
@EnabledIf("io.lockkeeper.service.Chromium#isInstalled")
class ScreenshotsIT {
    private static final Path DIRECTORY = Path.of("target/screenshots");

    @Test
    void page_is_photographed() {
        try (ServiceProcess service = ServiceProcess.start();
                Chromium browser = Chromium.start()) {
            browser.open(service.url().resolve("/login")).screenshot(DIRECTORY.resolve("login.png"));
            browser.logIn(service.url(), service.adminToken()).awaitText("Log out");
            browser.open(service.url()).screenshot(DIRECTORY.resolve("empty.png"));
            Api api = new Api(service.url(), service.adminToken());
            Answer held = aBusyDay(api);
            shoot(browser, service, "/", "overview");
            shoot(browser, service, "/environments/production", "environment");
            shoot(browser, service, "/environments/production/actions", "actions");
            shoot(browser, service, "/runs/" + held.runId(), "run");
            shoot(browser, service, "/history", "history");
            browser.dark(true);
            shoot(browser, service, "/", "overview-dark");
            shoot(browser, service, "/environments/production", "environment-dark");
            browser.dark(false).phone();
            shoot(browser, service, "/", "overview-phone");
            shoot(browser, service, "/environments/production", "environment-phone");
            assertThat(Files.exists(DIRECTORY.resolve("environment-phone.png"))).isTrue();
        }
    }

    private static void shoot(Chromium browser, ServiceProcess service, String path, String name) {
        browser.open(service.url().resolve(path)).awaitText("UTC").screenshot(DIRECTORY.resolve(name + ".png"));
    }

    private static Answer aBusyDay(Api api) {
        for (String outcome : new String[] {"success", "success", "failure", "success", "cancelled", "success"}) {
            Answer run = api.acquire(
                    "production",
                    "{\"user\": \"alice\", \"title\": \"Release\", \"sha\": \"a1b2c3d4\", \"tier\": \"2-standard\"}");
            api.release(run, "{\"status\": \"" + outcome + "\"}");
        }
        Answer held = api.acquire(
                "production",
                "{\"user\": \"alice\", \"title\": \"New payment provider\", \"sha\": \"0123456789abcdef\", \"command\": \"docker compose up -d"
                        + " shop\", \"hostname\": \"ci-7\", \"run_url\": \"https://ci.example/runs/4711\", \"tier\": \"2-standard\"}");
        api.acquire("production", "{\"user\": \"bob\", \"title\": \"Fix a typo\", \"sha\": \"bbbbbbbb\"}");
        api.acquire(
                "production",
                "{\"user\": \"carol\", \"title\": \"Update libraries\", \"sha\": \"cccccccc\", \"batch\": false}");
        api.acquire("production", "{\"user\": \"dave\", \"title\": \"One more\", \"sha\": \"dddddddd\"}");
        api.acquire("staging", "{\"user\": \"erin\", \"title\": \"Try it\"}");
        api.release(api.acquire("dev", "{}"));
        api.call(
                "PUT",
                "/api/admin/environments/dev/freeze",
                "{\"reason\": \"The cluster moves\", \"duration_seconds\": 86400}");
        return held;
    }
}
