package io.lockkeeper.history;

import io.lockkeeper.notify.Routine;
import io.lockkeeper.notify.RoutineLifecycle;
import java.time.Duration;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.transaction.PlatformTransactionManager;

@Configuration(proxyBeanMethods = false)
class RetentionConfiguration {
    private static final Duration PAUSE = Duration.ofHours(1);

    @Bean
    Retention retention(JdbcClient jdbc, PlatformTransactionManager transactions, RetentionProperties properties) {
        return new Retention(jdbc, transactions, properties);
    }

    @Bean
    SmartLifecycle retentionLifecycle(Retention retention) {
        // A stop waits for no more than the batch under way.
        return new RoutineLifecycle(new Routine("retention", PAUSE, retention::run), retention::stop);
    }
}
