package io.lockkeeper.web;

import org.apache.catalina.core.StandardHost;
import org.apache.coyote.AbstractProtocol;
import org.apache.coyote.http11.Http11NioProtocol;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.core.Ordered;
import org.springframework.stereotype.Component;

/** Sets of Tomcat what no property of Spring Boot sets. */
@Component
class TomcatEdge implements WebServerFactoryCustomizer<TomcatServletWebServerFactory>, Ordered {

    /**
     * Of each direction, per connection. Tomcat's 8 KiB are for pages; our requests and answers have a few hundred bytes, and a
     * parked call keeps both for as long as it waits. A larger body passes through in more steps.
     */
    private static final String SOCKET_BUFFER_BYTES = "1024";

    /**
     * Of each answer, in bytes and once more in chars. Tomcat's 8 KiB make 24 KiB per parked call, which keeps its buffer from its first
     * byte on; a longer answer is sent in chunks.
     */
    private static final int ANSWER_BUFFER_SIZE = 2048;

    private final ProblemWriter problems;

    TomcatEdge(ProblemWriter problems) {
        this.problems = problems;
    }

    /** After Spring Boot's own, whose error valve (a page) then lies outside ours and finds nothing left to report. */
    @Override
    public int getOrder() {
        return Ordered.LOWEST_PRECEDENCE;
    }

    @Override
    public void customize(TomcatServletWebServerFactory factory) {
        factory.setProtocol(Protocol.class.getName());
        factory.addContextCustomizers(context -> {
            var host = (StandardHost) context.getParent();
            host.setErrorReportValveClass(ProblemReportValve.class.getName());
            host.getPipeline().addValve(new SlowRequests.Body());
            host.getPipeline().addValve(new ProblemReportValve(problems));
        });
        factory.addConnectorCustomizers(connector -> {
            if (connector.getProtocolHandler() instanceof AbstractProtocol<?> protocol) {
                protocol.setProperty("socket.appReadBufSize", SOCKET_BUFFER_BYTES);
                protocol.setProperty("socket.appWriteBufSize", SOCKET_BUFFER_BYTES);
            }
        });
    }

    /** Public, with a constructor of no arguments, because Tomcat makes it by its name. There is no setting for either. */
    public static final class Protocol extends Http11NioProtocol {

        public Protocol() {
            getEndpoint().setHandler(new SlowRequests.Headers<>(getHandler(), this));
        }

        @Override
        public int getDesiredBufferSize() {
            return ANSWER_BUFFER_SIZE;
        }
    }
}
