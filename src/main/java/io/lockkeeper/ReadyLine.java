package io.lockkeeper;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.boot.web.server.context.WebServerApplicationContext;
import org.springframework.context.event.EventListener;
import org.springframework.stereotype.Component;

/** Says when the service takes requests, and where: the last line of a start, and the first one to look for. */
@Component
class ReadyLine {
    private static final Logger LOG = LoggerFactory.getLogger(ReadyLine.class);

    @EventListener
    void say(ApplicationReadyEvent event) {
        if (event.getApplicationContext() instanceof WebServerApplicationContext context
                && context.getWebServer() != null) {
            LOG.info(
                    "Lockkeeper is ready at http://localhost:{}; its API is described at /api/docs.",
                    context.getWebServer().getPort());
        }
    }
}
