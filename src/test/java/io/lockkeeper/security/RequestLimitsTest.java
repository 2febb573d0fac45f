package io.lockkeeper.security;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.security.RequestLimits.Purpose;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class RequestLimitsTest {

    private static final String HERE = "192.0.2.1";

    /** Near its overflow, which the arithmetic must survive. */
    private final AtomicLong clock =
            new AtomicLong(Long.MAX_VALUE - Duration.ofSeconds(1).toNanos());

    private final RequestLimits limits = new RequestLimits(10, clock::get);

    private void pass(Duration time) {
        clock.addAndGet(time.toNanos());
    }

    private boolean admitted(String token) {
        return limits.admit(token, HERE, Purpose.ANYTHING).isZero();
    }

    private int admittedOf(int requests, String token) {
        int admitted = 0;
        for (int i = 0; i < requests; i++) {
            admitted += admitted(token) ? 1 : 0;
        }
        return admitted;
    }

    private void know(String token, String caller) {
        limits.accepted(token, caller, Purpose.LIFELINE);
    }

    @Test
    void known_token_may_send_twice_its_rate_at_once_and_its_rate_for_ever() {
        know("token", "ci");

        assertThat(admittedOf(100, "token")).isEqualTo(20);
        assertThat(limits.admit("token", HERE, Purpose.ANYTHING)).isEqualTo(Duration.ofMillis(100));
        pass(Duration.ofMillis(99));
        assertThat(admitted("token")).isFalse();
        pass(Duration.ofMillis(1));
        assertThat(admittedOf(100, "token")).isEqualTo(1);
        for (int second = 0; second < 100; second++) {
            pass(Duration.ofSeconds(1));
            assertThat(admittedOf(100, "token")).isEqualTo(10);
        }
        pass(Duration.ofHours(1));
        assertThat(admittedOf(100, "token")).isEqualTo(20);
    }

    @Test
    void flood_of_one_caller_takes_nothing_from_another_behind_the_same_address() {
        know("flooding", "loud");
        know("other", "quiet");
        admittedOf(1000, "flooding");

        assertThat(admittedOf(20, "other")).isEqualTo(20);
    }

    @Test
    void two_tokens_of_one_caller_share_its_budget() {
        know("old", "ci");
        know("new", "ci");

        assertThat(admittedOf(15, "old") + admittedOf(15, "new")).isEqualTo(20);
    }

    @Test
    void heartbeats_of_a_caller_do_not_suffer_from_its_own_requests() {
        limits.accepted("token", "ci", Purpose.ANYTHING);
        admittedOf(1000, "token");

        for (int i = 0; i < 20; i++) {
            assertThat(limits.admit("token", HERE, Purpose.LIFELINE)).isZero();
        }
        assertThat(limits.admit("token", HERE, Purpose.LIFELINE)).isPositive();
    }

    @Test
    void whoever_guesses_is_not_looked_at_for_a_while_even_with_the_right_token() {
        int looked = 0;
        while (admitted("guess-" + looked)) {
            limits.refused("guess-" + looked, HERE, Purpose.ANYTHING);
            looked++;
        }

        assertThat(looked).isEqualTo(2);
        assertThat(admitted("the-right-one")).isFalse();
        pass(Duration.ofSeconds(1));
        assertThat(admitted("the-right-one")).isTrue();
    }

    @Test
    void guesses_sent_all_at_once_are_paid_for_later() {
        for (int i = 0; i < 10; i++) {
            assertThat(admitted("guess-" + i)).isTrue();
        }
        for (int i = 0; i < 10; i++) {
            limits.refused("guess-" + i, HERE, Purpose.ANYTHING);
        }

        pass(Duration.ofSeconds(8));
        assertThat(admitted("guess")).isFalse();
        pass(Duration.ofSeconds(1));
        assertThat(admitted("guess")).isTrue();
    }

    @Test
    void debt_of_an_address_ends_after_a_minute() {
        for (int i = 0; i < 10_000; i++) {
            limits.refused("guess", HERE, Purpose.ANYTHING);
        }

        pass(Duration.ofSeconds(61));
        assertThat(admitted("new-token")).isTrue();
    }

    @Test
    void neighbours_of_one_who_guesses_go_on_with_the_tokens_they_have() {
        know("token", "ci");
        for (int i = 0; i < 100; i++) {
            limits.refused("guess", HERE, Purpose.ANYTHING);
        }

        assertThat(admittedOf(20, "token")).isEqualTo(20);
        assertThat(limits.admit("never-seen", HERE, Purpose.LIFELINE))
                .as("a heartbeat")
                .isZero();
        assertThat(limits.admit("never-seen", "192.0.2.2", Purpose.ANYTHING))
                .as("from elsewhere")
                .isZero();
    }

    @Test
    void new_good_tokens_behind_one_address_have_no_bound() {
        for (int i = 0; i < 1000; i++) {
            assertThat(admitted("job-" + i)).isTrue();
            know("job-" + i, "job " + i);
        }
    }

    @Test
    void revoked_token_is_a_wrong_one() {
        know("token", "ci");
        limits.refused("token", HERE, Purpose.ANYTHING);
        limits.refused("token", HERE, Purpose.ANYTHING);

        assertThat(admitted("token")).isFalse();
    }

    @Test
    void requests_without_a_token_are_counted_by_network() {
        int admitted = 0;
        while (limits.admit(null, "2001:db8::" + Integer.toHexString(admitted), Purpose.ANYTHING)
                .isZero()) {
            admitted++;
        }

        assertThat(admitted).isEqualTo(20);
        assertThat(limits.admit(null, "2001:db8:0:1::1", Purpose.ANYTHING)).isZero();
        assertThat(limits.admit(null, HERE, Purpose.ANYTHING)).isZero();
    }

    @Test
    void no_limit_is_none() {
        RequestLimits off = new RequestLimits(0, clock::get);
        for (int i = 0; i < 1000; i++) {
            off.refused("guess", HERE, Purpose.ANYTHING);
            assertThat(off.admit("guess", HERE, Purpose.ANYTHING)).isZero();
            assertThat(off.admit(null, HERE, Purpose.ANYTHING)).isZero();
        }
    }

    @Test
    void budgets_forget_who_was_not_there_for_longest() {
        Budgets<Integer> budgets = new Budgets<>(1, 1, 100, clock::get);
        budgets.take(0);
        for (int client = 1; client < 100_000; client++) {
            budgets.take(client);
            assertThat(budgets.take(0)).isPositive();
        }

        assertThat(budgets.size()).isEqualTo(100);
        assertThat(budgets.take(1)).as("forgotten, and full again").isZero();
    }
}
