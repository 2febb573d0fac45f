package io.lockkeeper;

import io.lockkeeper.coordination.Coordinator;
import io.lockkeeper.coordination.Doorbell;
import io.lockkeeper.coordination.LockReader;
import io.lockkeeper.coordination.QueueTiming;
import io.lockkeeper.coordination.RunReader;
import io.lockkeeper.environment.Policies;
import java.time.Duration;
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
    Coordinator coordinator(
            JdbcTemplate jdbc, Policies policies, QueueTiming timing, RunReader reader, Doorbell doorbell) {
        return new Coordinator(jdbc, policies, timing, reader, doorbell);
    }
}
