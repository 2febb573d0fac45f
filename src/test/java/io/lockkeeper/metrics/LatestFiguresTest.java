package io.lockkeeper.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.coordination.Figures;
import io.micrometer.core.instrument.MockClock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What a scrape costs when the database is slow, or gone. */
class LatestFiguresTest {
    private static final Duration CACHE = Duration.ofSeconds(5);

    private final MockClock clock = new MockClock();
    private final AtomicInteger reads = new AtomicInteger();

    @Test
    void scrape_does_not_wait_for_a_database_that_does_not_answer_and_no_second_read_begins() {
        CountDownLatch answer = new CountDownLatch(1);
        LatestFigures figures = new LatestFigures(
                () -> {
                    reads.incrementAndGet();
                    await(answer);
                    return List.of();
                },
                CACHE,
                clock);

        figures.refresh();
        assertThat(figures.last()).isNull();
        assertThat(figures.isStale()).isTrue();
        clock.add(CACHE.multipliedBy(10));
        figures.refresh();
        assertThat(reads).hasValue(1);

        answer.countDown();
        figures.refresh();
        assertThat(figures.last()).isNotNull();
    }

    @Test
    void failed_read_is_tried_again_when_the_cache_time_is_over() {
        LatestFigures figures = new LatestFigures(
                () -> {
                    if (reads.incrementAndGet() == 1) {
                        throw new IllegalStateException("on purpose");
                    }
                    return List.<Figures>of();
                },
                CACHE,
                clock);

        figures.refresh();
        figures.refresh();
        assertThat(reads).hasValue(1);
        assertThat(figures.last()).isNull();

        clock.add(CACHE);
        figures.refresh();
        assertThat(figures.last()).isNotNull();
        assertThat(figures.isStale()).isFalse();
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
