package io.lockkeeper.page;

import io.lockkeeper.history.Statistics;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The statistics of the last days, as names and values. */
record Figures(List<Figure> items) {

    record Figure(String name, String value) {}

    static Figures of(Statistics statistics) {
        List<Figure> items = new ArrayList<>();
        items.add(new Figure("Deployments", Long.toString(statistics.deployments())));
        items.add(new Figure("Succeeded", Words.percent(statistics.successRate())));
        items.add(new Figure("Skipped", Words.percent(statistics.skipRate())));
        items.add(new Figure("Waited too long", Words.percent(statistics.timeoutRate())));
        items.add(new Figure("Lost their lease", Words.percent(statistics.orphanRate())));
        items.add(new Figure("Duration, average", seconds(statistics.duration().avgSeconds())));
        items.add(new Figure(
                "Duration, 95 of 100 within", seconds(statistics.duration().p95Seconds())));
        items.add(new Figure("Wait, average", seconds(statistics.waited().avgSeconds())));
        items.add(
                new Figure("Wait, 95 of 100 within", seconds(statistics.waited().p95Seconds())));
        return new Figures(List.copyOf(items));
    }

    private static String seconds(@Nullable Long seconds) {
        return seconds == null ? "–" : Words.duration(seconds);
    }
}
