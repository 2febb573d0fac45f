package io.lockkeeper.web;

import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.ApplicationContext;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.core.MethodParameter;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.converter.HttpMessageConverter;
import org.springframework.http.server.ServerHttpRequest;
import org.springframework.http.server.ServerHttpResponse;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.servlet.mvc.method.annotation.ResponseBodyAdvice;

/**
 * Moves the clients to other replicas before this one stops. The order of a stop:
 *
 * <ol>
 *   <li>{@code /actuator/health/readiness} says 503, so load balancers begin to send new connections elsewhere;
 *   <li>the drain: everything is answered as before for a while, but each answer is the last one of its connection (RFC 9112, 9.6), since a
 *       connection that is kept would lead here past any load balancer;
 *   <li>waiting calls are answered, and end their connections as well ({@code WaitingConfiguration});
 *   <li>the port is closed, and what is being answered may end; then the rest stops.
 * </ol>
 */
@RestControllerAdvice
class Drain implements ResponseBodyAdvice<Object> {
    private static final Logger LOG = LoggerFactory.getLogger(Drain.class);

    private final ApplicationContext context;
    private final Duration length;
    private volatile boolean begun;

    Drain(ApplicationContext context, ShutdownProperties properties) {
        this.context = context;
        this.length = Duration.ofSeconds(properties.drainSeconds());
    }

    /** Comes when readiness is down already, and holds up the rest of the stop. */
    @EventListener
    void drain(ContextClosedEvent event) {
        if (!event.getApplicationContext().equals(context)) {
            return;
        }
        begun = true;
        if (length.isZero()) {
            return;
        }
        LOG.info("Stopping: not ready for new clients, and answering for {} more seconds.", length.toSeconds());
        try {
            Thread.sleep(length); // No load balancer tells that it has noticed.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public boolean supports(MethodParameter handler, Class<? extends HttpMessageConverter<?>> converter) {
        return true;
    }

    /** Asked when an answer is written, which for a call that waited is long after it came. */
    @Override
    public @Nullable Object beforeBodyWrite(
            @Nullable Object body,
            MethodParameter handler,
            MediaType type,
            Class<? extends HttpMessageConverter<?>> converter,
            ServerHttpRequest request,
            ServerHttpResponse response) {
        if (begun) {
            response.getHeaders().set(HttpHeaders.CONNECTION, "close");
        }
        return body;
    }
}
