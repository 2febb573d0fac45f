package io.lockkeeper.webhook;

import io.lockkeeper.event.EventReader;
import io.lockkeeper.notify.Routine;
import io.lockkeeper.notify.RoutineLifecycle;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.json.JsonMapper;

@Configuration(proxyBeanMethods = false)
class WebhookConfiguration {

    /** The declared webhooks with what all that deals with them needs. */
    record Parts(List<Webhook> declared, WebhookStore store, Messages messages) {}

    @Bean
    Parts webhookParts(ConfigurableEnvironment settings, JdbcClient jdbc, JsonMapper json) {
        return new Parts(WebhookSettings.read(settings), new WebhookStore(jdbc), new Messages(json));
    }

    @Bean
    Webhooks webhooks(Parts parts) {
        return new Webhooks(parts.declared(), parts.store(), parts.messages());
    }

    @Bean
    SmartLifecycle webhookLifecycle(Parts parts, EventReader reader, MeterRegistry registry) {
        var dispatcher = new WebhookDispatcher(
                parts.declared(),
                parts.store(),
                reader,
                parts.messages(),
                new WebhookMetrics(parts.declared(), registry));
        dispatcher.declare();
        return new RoutineLifecycle(
                new Routine("webhook dispatcher", WebhookDispatcher.PAUSE, dispatcher::round), dispatcher::stop);
    }
}
