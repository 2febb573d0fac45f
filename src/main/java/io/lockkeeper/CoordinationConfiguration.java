package io.lockkeeper;

import io.lockkeeper.coordination.Administration;
import io.lockkeeper.coordination.Coordinator;
import io.lockkeeper.coordination.Doorbell;
import io.lockkeeper.coordination.EnvironmentReader;
import io.lockkeeper.coordination.Execution;
import io.lockkeeper.coordination.LockReader;
import io.lockkeeper.coordination.QueueTiming;
import io.lockkeeper.coordination.RunReader;
import io.lockkeeper.coordination.TransitionObserver;
import io.lockkeeper.environment.DeclaredEnvironments;
import java.time.Duration;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.simple.JdbcClient;

/** Puts {@code coordination} together, which itself knows nothing of Spring's container. */
@Configuration(proxyBeanMethods = false)
class CoordinationConfiguration {

    @Bean
    QueueTiming queueTiming(QueueProperties properties) {
        return new QueueTiming(
                Duration.ofSeconds(properties.presenceSeconds()), Duration.ofSeconds(properties.pickupSeconds()));
    }

    @Bean
    RunReader runReader(JdbcTemplate jdbc, QueueTiming timing) {
        return new RunReader(jdbc, timing);
    }

    @Bean
    LockReader lockReader(JdbcClient jdbc) {
        return new LockReader(jdbc);
    }

    @Bean
    EnvironmentReader environmentReader(JdbcClient jdbc) {
        return new EnvironmentReader(jdbc);
    }

    @Bean
    Execution execution(
            JdbcTemplate jdbc,
            QueueTiming timing,
            DeclaredEnvironments environments,
            Doorbell doorbell,
            ObjectProvider<TransitionObserver> observers) {
        return new Execution(
                jdbc,
                timing,
                environments.areCreatedByAcquire(),
                doorbell,
                observers.orderedStream().toList());
    }

    @Bean
    Coordinator coordinator(Execution execution, RunReader reader) {
        return new Coordinator(execution, reader);
    }

    @Bean
    Administration administration(Execution execution, JdbcClient jdbc) {
        return new Administration(execution, jdbc);
    }
}
