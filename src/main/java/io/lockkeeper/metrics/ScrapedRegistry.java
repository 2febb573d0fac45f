package io.lockkeeper.metrics;

import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.registry.PrometheusScrapeRequest;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Says when a scrape begins. A gauge that is asked for its value learns it too late: series that are missing would not be asked. */
final class ScrapedRegistry extends PrometheusRegistry {
    private final Runnable beforeScrape;

    ScrapedRegistry(Runnable beforeScrape) {
        this.beforeScrape = beforeScrape;
    }

    @Override
    public MetricSnapshots scrape() {
        beforeScrape.run();
        return super.scrape();
    }

    @Override
    public MetricSnapshots scrape(@Nullable PrometheusScrapeRequest request) {
        beforeScrape.run();
        return super.scrape(request);
    }

    @Override
    public MetricSnapshots scrape(Predicate<String> includedNames) {
        beforeScrape.run();
        return super.scrape(includedNames);
    }

    @Override
    public MetricSnapshots scrape(Predicate<String> includedNames, @Nullable PrometheusScrapeRequest request) {
        beforeScrape.run();
        return super.scrape(includedNames, request);
    }
}
