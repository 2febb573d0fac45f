package io.lockkeeper.webhook;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;

/** Counts attempts of this replica, and tells how far each webhook is behind, as the database knows. */
final class WebhookMetrics {
    private enum Result {
        DELIVERED("delivered"),
        FAILED("failed"),
        REFUSED("refused");

        private final String label;

        Result(String label) {
            this.label = label;
        }
    }

    private record Counted(String webhook, Result result) {}

    private final Map<Counted, Counter> counters = new HashMap<>();
    private final Map<String, AtomicLong> lags = new HashMap<>();

    WebhookMetrics(Collection<Webhook> webhooks, MeterRegistry registry) {
        for (Webhook webhook : webhooks) {
            for (Result result : Result.values()) {
                counters.put(
                        new Counted(webhook.name(), result),
                        Counter.builder("lockkeeper.webhook.deliveries")
                                .description("Attempts to deliver an event, by what came of them")
                                .tag("webhook", webhook.name())
                                .tag("result", result.label)
                                .register(registry));
            }
            var lag = new AtomicLong();
            lags.put(webhook.name(), lag);
            Gauge.builder("lockkeeper.webhook.lag", lag, AtomicLong::doubleValue)
                    .description("Age of the oldest event that a webhook has not come to")
                    .baseUnit("seconds")
                    .tag("webhook", webhook.name())
                    .register(registry);
        }
    }

    void delivered(String webhook) {
        count(webhook, Result.DELIVERED);
    }

    void failed(String webhook) {
        count(webhook, Result.FAILED);
    }

    /** For the attempt after which an event is set aside. */
    void refused(String webhook) {
        count(webhook, Result.REFUSED);
    }

    private void count(String webhook, Result result) {
        Objects.requireNonNull(counters.get(new Counted(webhook, result))).increment();
    }

    void lag(String webhook, Duration lag) {
        Objects.requireNonNull(lags.get(webhook)).set(lag.toSeconds());
    }
}
