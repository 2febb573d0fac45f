package io.lockkeeper.health;

import io.lockkeeper.notify.Routine;
import io.lockkeeper.notify.RoutineLifecycle;
import java.time.Duration;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.transaction.PlatformTransactionManager;

@Configuration(proxyBeanMethods = false)
class HealthConfiguration {
    /** How late a probe starts at most. */
    private static final Duration PAUSE = Duration.ofSeconds(1);

    @Bean
    SmartLifecycle healthLifecycle(
            JdbcClient jdbc, PlatformTransactionManager transactions, HealthProperties properties) {
        HealthProber prober = new HealthProber(new HealthStore(jdbc, transactions), properties);
        return new RoutineLifecycle(new Routine("health prober", PAUSE, prober::round), prober::stop);
    }
}
