package io.lockkeeper.history;

import io.lockkeeper.notify.Routine;
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
        return new Background(retention, new Routine("retention", PAUSE, retention::run));
    }

    /** A stop waits for no more than the batch under way. */
    private static final class Background implements SmartLifecycle {
        private final Retention retention;
        private final Routine routine;
        private volatile boolean running;

        Background(Retention retention, Routine routine) {
            this.retention = retention;
            this.routine = routine;
        }

        @Override
        public void start() {
            running = true;
            routine.start();
        }

        @Override
        public void stop() {
            running = false;
            retention.stop();
            routine.close();
        }

        @Override
        public int getPhase() {
            return Routine.PHASE;
        }

        @Override
        public boolean isRunning() {
            return running;
        }
    }
}
