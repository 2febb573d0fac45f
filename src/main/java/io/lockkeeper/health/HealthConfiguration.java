package io.lockkeeper.health;

import io.lockkeeper.notify.Routine;
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
        return new Background(new HealthProber(new HealthStore(jdbc, transactions), properties));
    }

    /** Stops before the database does. */
    private static final class Background implements SmartLifecycle {
        private final HealthProber prober;
        private final Routine routine;
        private volatile boolean running;

        Background(HealthProber prober) {
            this.prober = prober;
            this.routine = new Routine("health prober", PAUSE, prober::round);
        }

        @Override
        public void start() {
            running = true;
            routine.start();
        }

        @Override
        public void stop() {
            running = false;
            prober.stop();
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
