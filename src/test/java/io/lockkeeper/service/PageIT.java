package io.lockkeeper.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lockkeeper.ServiceProcess;
import io.lockkeeper.service.Api.Answer;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.condition.EnabledIf;
import org.openqa.selenium.By;
import org.openqa.selenium.Keys;

/** The page in a browser, as somebody on call uses it. Texts are asserted, and no pixels. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@EnabledIf("io.lockkeeper.service.Chromium#isInstalled")
class PageIT {
    private ServiceProcess service;
    private Api api;
    private Chromium browser;

    @BeforeAll
    void start() {
        service = ServiceProcess.start();
        api = new Api(service.url(), service.adminToken());
    }

    @AfterAll
    void stop() {
        service.close();
    }

    @BeforeEach
    void openBrowser() {
        browser = Chromium.start();
    }

    @AfterEach
    void closeBrowser() {
        List<String> complaints = browser.complaints();
        browser.close();
        // A form that is refused is an answer like any other, which Chromium writes down.
        assertThat(complaints)
                .as("what the browser complained of")
                .allMatch(complaint -> complaint.contains("the server responded with a status of 4")
                        || complaint.contains("net::ERR_CONNECTION_REFUSED")
                        || complaint.contains("net::ERR_INCOMPLETE_CHUNKED_ENCODING"));
    }

    private Chromium loggedIn(String path) {
        browser.logIn(service.url(), service.adminToken()).awaitText("Log out");
        return browser.open(service.url().resolve(path));
    }

    @Test
    void somebody_logs_in_sees_who_deploys_and_logs_out() {
        api.acquire("login", "{\"user\": \"alice\", \"title\": \"Release 7\", \"command\": \"./deploy.sh\"}");
        browser.open(service.url())
                .awaitText("Log in")
                .type("#token", "lkt_not-one-of-ours")
                .clickButton("Log in");
        browser.awaitText("This token is not valid here.");
        browser.type("#token", service.adminToken()).clickButton("Log in").awaitText("Environments");
        assertThat(browser.find("#environment-login").getText()).contains("alice deploys", "Release 7");
        browser.clickLink("login")
                .awaitText("Fencing token")
                .awaitText("./deploy.sh")
                .awaitText("Nobody waits.");
        browser.clickButton("Log out").awaitText("You are logged out.");
        browser.open(service.url()).awaitText("Log in");
    }

    @Test
    void queue_moves_and_the_clock_runs_without_a_reload() {
        Answer first = api.acquire("moving", "{\"user\": \"alice\"}");
        Answer second = api.acquire("moving", "{\"user\": \"bob\"}");
        loggedIn("/environments/moving").awaitText("alice deploys").awaitText("Live");
        browser.driver().executeScript("window.sameDocument = true");
        String before = browser.find(".clock").getText();
        await().atMost(Duration.ofSeconds(10))
                .until(() -> !browser.find(".clock").getText().equals(before));

        api.release(first);
        browser.awaitText("bob deploys").awaitText("Nobody waits.");
        assertThat(browser.find("#deployments + .scroll").getText()).contains("success", "alice");
        api.acquire("moving", "{\"user\": \"carol\"}");
        browser.awaitText("run " + second.runId());
        assertThat(browser.text()).contains("carol");
        assertThat(browser.driver().executeScript("return window.sameDocument")).isEqualTo(true);
    }

    @Test
    void a_deployment_that_lost_its_lock_is_pointed_out() {
        Answer lost = api.acquire("lost", "{\"user\": \"alice\", \"lease_seconds\": 5}");
        loggedIn("/").awaitText("The last deployment, run " + lost.runId() + ", lost its lock");
    }

    @Test
    void an_environment_that_comes_into_being_appears_on_the_overview() {
        loggedIn("/").awaitText("Live");
        api.acquire("newborn", "{\"user\": \"dave\"}");
        browser.awaitText("newborn").awaitText("dave deploys");
    }

    @Test
    void keyboard_focus_stays_where_it_is_when_something_moves() {
        api.acquire("focused", "{\"user\": \"alice\"}");
        loggedIn("/").awaitText("Live");
        browser.driver().executeScript("document.getElementById('name-focused').focus()");
        api.acquire("focused", "{\"user\": \"bob\"}");
        browser.awaitText("bob");
        assertThat(browser.driver().switchTo().activeElement().getAttribute("id"))
                .isEqualTo("name-focused");
    }

    @Test
    void the_keyboard_reaches_the_content_past_the_head() {
        loggedIn("/").find("body").sendKeys(Keys.TAB);
        assertThat(browser.driver().switchTo().activeElement().getText()).isEqualTo("Skip to the content");
        browser.driver().switchTo().activeElement().sendKeys(Keys.ENTER);
        assertThat(browser.driver().switchTo().activeElement().getAttribute("id"))
                .isEqualTo("main");
    }

    @Test
    void a_forced_release_takes_the_name_a_reason_and_a_word_about_the_living() {
        Answer held = api.acquire("stuck", "{\"user\": \"alice\"}");
        loggedIn("/environments/stuck")
                .clickLink("Freeze, release, acknowledge")
                .awaitText("this deployment is running");

        browser.type("#release-confirm", "stock")
                .type("#release-reason", "it hangs")
                .clickButton("Force-release");
        browser.awaitText("Nothing was released.");
        browser.open(service.url().resolve("/environments/stuck/actions"));
        browser.type("#release-confirm", "stuck")
                .type("#release-reason", "it hangs")
                .clickButton("Force-release");
        browser.awaitText("was heard at");
        assertThat(api.heartbeat(held).status()).isEqualTo(200);

        browser.open(service.url().resolve("/environments/stuck/actions"));
        browser.type("#release-confirm", "stuck")
                .type("#release-reason", "it hangs")
                .click("[name=evenIfAlive]");
        browser.clickButton("Force-release").awaitText("Run " + held.runId() + " has lost the lock.");
        browser.awaitText("The lock is free.").awaitText("preempted");
        assertThat(api.heartbeat(held).status()).isEqualTo(410);
    }

    @Test
    void a_slow_click_does_not_hit_the_next_holder() {
        Answer seen = api.acquire("slow", "{\"user\": \"alice\"}");
        Answer next = api.acquire("slow", "{\"user\": \"bob\"}");
        loggedIn("/environments/slow/actions").awaitText("alice");
        api.release(seen);
        browser.type("#release-confirm", "slow")
                .type("#release-reason", "it hangs")
                .click("[name=evenIfAlive]");
        browser.clickButton("Force-release").awaitText("Look at the status again before you decide.");
        assertThat(api.look(next.runId()).outcome()).isEqualTo("granted");
    }

    @Test
    void a_freeze_is_seen_and_lifted() {
        api.release(api.acquire("icy", "{}"));
        loggedIn("/environments/icy/actions")
                .type("#freeze-reason", "Black Friday")
                .type("#freeze-hours", "2");
        browser.clickButton("Freeze").awaitText("Nothing is granted in icy now").awaitText("Black Friday");
        assertThat(api.acquire("icy", "{\"mode\": \"fail_fast\"}").code()).isEqualTo("frozen");
        browser.clickLink("Freeze, release, acknowledge").awaitText("Lift the freeze");
        browser.clickButton("Lift the freeze").awaitText("The freeze of icy is lifted");
        assertThat(api.acquire("icy", "{\"mode\": \"fail_fast\"}").outcome()).isEqualTo("granted");
    }

    @Test
    void runs_are_approved_prioritised_and_cancelled_and_their_life_is_told() {
        api.call("PUT", "/api/admin/environments/careful", "{\"approvals_required\": 1}");
        String pipeline = api.call("POST", "/api/admin/tokens", "{\"name\": \"pipeline\", \"role\": \"deploy\"}")
                .json()
                .path("token")
                .asString();
        Api ci = new Api(service.url(), pipeline);
        Answer first = ci.acquire("careful", "{\"user\": \"alice\"}");
        Answer second = ci.acquire("careful", "{\"user\": \"bob\"}");
        loggedIn("/environments/careful").awaitText("Waiting for approval").clickLink("Run " + first.runId());
        browser.type("#approve-comment", "looks good").clickButton("Approve").awaitText("is approved by you");
        browser.awaitText("Approved by admin: looks good.").awaitText("Granted, with fencing token");
        assertThat(ci.await(first, 0).outcome()).isEqualTo("granted");
        browser.type("#cancel-reason", "wrong version")
                .clickButton("Ask it to stop")
                .awaitText("is asked to stop");
        assertThat(api.heartbeat(first).json().path("cancel_requested").asBoolean())
                .isTrue();

        browser.open(service.url().resolve("/runs/" + second.runId()));
        browser.type("#prioritize-reason", "hotfix")
                .clickButton("Let it go first")
                .awaitText("goes before all");
        browser.type("#reject-reason", "not today").clickButton("Reject").awaitText("is rejected.");
        browser.awaitText("Ended: rejected").awaitText("not today");
    }

    @Test
    void history_is_searched() {
        api.release(api.acquire("past", "{\"user\": \"alice\", \"title\": \"one of alice\"}"));
        api.release(api.acquire("past", "{\"user\": \"bob\", \"title\": \"one of bob\"}"), "{\"status\": \"failure\"}");
        loggedIn("/history?environment=past").awaitText("one of alice").awaitText("one of bob");
        browser.driver().findElement(By.name("user")).sendKeys("bob");
        browser.clickButton("Show");
        await().atMost(Duration.ofSeconds(10)).until(() -> !browser.text().contains("one of alice"));
        assertThat(browser.text()).contains("one of bob", "failure");
    }

    @Test
    void page_says_that_it_is_not_live_and_recovers() {
        try (ServiceProcess other = ServiceProcess.start()) {
            Api elsewhere = new Api(other.url(), other.adminToken());
            elsewhere.acquire("shop", "{\"user\": \"alice\"}");
            browser.logIn(other.url(), other.adminToken()).awaitText("Log out");
            browser.open(other.url().resolve("/environments/shop")).awaitText("Live");
            other.kill9();
            browser.awaitText("Not live since");
            try (ServiceProcess again = other.restart()) {
                new Api(again.url(), again.adminToken()).acquire("shop", "{\"user\": \"bob\"}");
                await().atMost(Duration.ofSeconds(30))
                        .until(() -> browser.find("#live").getText().equals("Live"));
                browser.awaitText("bob");
            }
        }
    }

    @Test
    void everything_works_without_script() {
        api.acquire("plain", "{\"user\": \"alice\"}");
        try (Chromium plain = Chromium.startWithoutScript()) {
            plain.logIn(service.url(), service.adminToken());
            plain.open(service.url()).awaitText("alice deploys").awaitText("Without JavaScript");
            plain.clickLink("plain").awaitText("alice deploys").clickLink("Freeze, release, acknowledge");
            plain.type("#freeze-reason", "by hand").clickButton("Freeze").awaitText("Nothing is granted in plain now");
            plain.clickLink("History").awaitText("alice");
            plain.clickButton("Log out").awaitText("You are logged out.");
        }
    }

    @Test
    void no_page_has_a_serious_breach_of_accessibility() {
        Answer first = api.acquire(
                "access",
                "{\"user\": \"alice\", \"title\": \"Release\", \"run_url\": \"https://ci.example/1\", \"sha\": \"0123abc\"}");
        api.acquire("access", "{\"user\": \"bob\", \"priority\": \"high\"}");
        api.release(first);
        api.acquire("access", "{\"user\": \"carol\"}");
        api.call("PUT", "/api/admin/environments/access/freeze", "{\"reason\": \"a reason\"}");
        browser.open(service.url().resolve("/login"));
        assertThat(browser.seriousBreaches()).isEmpty();
        loggedIn("/");
        for (boolean dark : List.of(false, true)) {
            browser.dark(dark);
            for (String path : List.of(
                    "/",
                    "/environments/access",
                    "/environments/access/actions",
                    "/runs/" + first.runId(),
                    "/history",
                    "/freeze",
                    "/runs/999999")) {
                browser.open(service.url().resolve(path));
                assertThat(browser.seriousBreaches())
                        .as("%s, dark: %s", path, dark)
                        .isEmpty();
            }
        }
    }

    @Test
    void nothing_is_wider_than_a_phone() {
        api.acquire("narrow", "{\"user\": \"alice\", \"title\": \"" + "a-very-long-word".repeat(10) + "\"}");
        loggedIn("/").phone();
        for (String path :
                List.of("/", "/environments/narrow", "/environments/narrow/actions", "/history", "/freeze")) {
            browser.open(service.url().resolve(path));
            assertThat(
                            browser.driver()
                                    .executeScript(
                                            "return document.documentElement.scrollWidth - document.documentElement.clientWidth"))
                    .as(path)
                    .isEqualTo(0L);
        }
    }
}
