package io.lockkeeper.history;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.history.Statistics.Spread;
import java.time.Duration;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/** What the statistics count and measure. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class StatisticsTest {
    private static final Duration WEEK = Duration.ofDays(7);

    private final PastRuns past = new PastRuns();
    private final StatisticsReader reader = new StatisticsReader(past.jdbc);

    @Test
    void nothing_is_divided_by_nothing() {
        Statistics statistics = reader.read(null, WEEK, StatisticsTest::everything);

        assertThat(statistics.runs()).isZero();
        assertThat(statistics.counts())
                .containsOnlyKeys(
                        "success",
                        "failure",
                        "cancelled",
                        "timed_out",
                        "abandoned",
                        "expired",
                        "preempted",
                        "rejected",
                        "superseded",
                        "skipped");
        assertThat(statistics.counts().values()).containsOnly(0L);
        assertThat(statistics.successRate()).isNull();
        assertThat(statistics.skipRate()).isNull();
        assertThat(statistics.timeoutRate()).isNull();
        assertThat(statistics.orphanRate()).isNull();
        assertThat(statistics.waited()).isEqualTo(new Spread(null, null, null));
        assertThat(statistics.duration()).isEqualTo(new Spread(null, null, null));
    }

    @Test
    void deployments_are_what_had_the_lock_and_knew_of_it() {
        long cover = past.run("production").write();
        past.run("production").ended("failure").write();
        past.run("production").ended("expired").write();
        past.run("production").ended("abandoned").held(Duration.ofHours(5)).write();
        past.run("production").neverGranted("timed_out").write();
        past.run("production").neverGranted("cancelled").write();
        past.run("production").skippedFor(cover).write();
        past.run("production").skippedFor(cover).write();
        past.run("production").neverGranted("queued").write();

        Statistics statistics = reader.read(new EnvironmentName("production"), WEEK, StatisticsTest::everything);

        assertThat(statistics.runs()).isEqualTo(8);
        assertThat(statistics.deployments()).isEqualTo(3);
        assertThat(statistics.counts()).containsEntry("skipped", 2L).containsEntry("abandoned", 1L);
        assertThat(statistics.successRate()).isEqualTo(0.3333);
        assertThat(statistics.orphanRate()).isEqualTo(0.3333);
        assertThat(statistics.skipRate()).isEqualTo(0.25);
        assertThat(statistics.timeoutRate()).isEqualTo(0.125);
        assertThat(statistics.duration()).isEqualTo(new Spread(60L, 60L, 60L));
    }

    @Test
    void times_are_averages_and_percentiles_in_seconds() {
        for (int i = 1; i <= 21; i++) {
            past.run("production")
                    .waited(Duration.ofSeconds(i * 10L))
                    .held(Duration.ofSeconds(i == 21 ? 1000 : 100))
                    .write();
        }

        Statistics statistics = reader.read(null, WEEK, StatisticsTest::everything);

        assertThat(statistics.waited()).isEqualTo(new Spread(110L, 110L, 200L));
        assertThat(statistics.duration()).isEqualTo(new Spread(143L, 100L, 100L));
    }

    @Test
    void only_what_ended_in_the_window_and_may_be_seen_counts() {
        past.run("production").ago(Duration.ofHours(1)).write();
        past.run("production").ago(Duration.ofHours(3)).write();
        past.run("staging").write();
        past.run("staging", "production").write();

        assertThat(reader.read(null, Duration.ofHours(2), StatisticsTest::everything)
                        .runs())
                .isEqualTo(3);
        assertThat(reader.read(null, WEEK, StatisticsTest::everything).runs()).isEqualTo(4);
        assertThat(reader.read(new EnvironmentName("production"), WEEK, StatisticsTest::everything)
                        .runs())
                .isEqualTo(3);
        assertThat(reader.read(null, WEEK, "staging"::equals).runs()).isEqualTo(1);
    }

    private static boolean everything(String environment) {
        return true;
    }
}
