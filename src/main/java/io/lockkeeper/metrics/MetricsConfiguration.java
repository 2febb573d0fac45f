package io.lockkeeper.metrics;

import io.lockkeeper.coordination.FiguresReader;
import io.lockkeeper.environment.DefaultEnvironment;
import io.lockkeeper.notify.WaitingRoom;
import io.micrometer.core.instrument.Clock;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.jdbc.core.JdbcTemplate;

@Configuration(proxyBeanMethods = false)
class MetricsConfiguration {

    @Bean
    EnvironmentLabels environmentLabels(MetricsProperties properties, DefaultEnvironment defaultEnvironment) {
        return new EnvironmentLabels(properties.maxEnvironments(), defaultEnvironment.name());
    }

    @Bean
    RunMeters runMeters(MeterRegistry registry, EnvironmentLabels environments, MetricsProperties properties) {
        return new RunMeters(registry, environments, new TierLabels(properties.maxTiers()));
    }

    @Bean
    StandingGauges standingGauges(
            MeterRegistry registry,
            JdbcTemplate jdbc,
            DefaultEnvironment defaultEnvironment,
            EnvironmentLabels environments,
            RunMeters meters,
            MetricsProperties properties) {
        FiguresReader reader = new FiguresReader(jdbc, defaultEnvironment);
        LatestFigures latest = new LatestFigures(reader::read, properties.cache(), Clock.SYSTEM);
        return new StandingGauges(registry, latest, environments, meters);
    }

    @Bean
    MeterBinder waiters(WaitingRoom room) {
        return registry -> Gauge.builder("lockkeeper.waiters", room, WaitingRoom::occupancy)
                .description("Calls that are parked in this replica.")
                .register(registry);
    }

    /** In place of the framework's, which knows nothing of a scrape. */
    @Bean
    PrometheusRegistry prometheusRegistry(ObjectProvider<StandingGauges> gauges) {
        return new ScrapedRegistry(() -> gauges.getObject().refresh());
    }
}
