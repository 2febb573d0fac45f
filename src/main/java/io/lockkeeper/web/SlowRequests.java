package io.lockkeeper.web;

import jakarta.servlet.ServletException;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ValveBase;
import org.apache.coyote.AbstractProtocol;
import org.apache.coyote.ActionCode;
import org.apache.coyote.InputBuffer;
import org.apache.tomcat.util.net.AbstractEndpoint.Handler;
import org.apache.tomcat.util.net.ApplicationBufferHandler;
import org.apache.tomcat.util.net.SocketEvent;
import org.apache.tomcat.util.net.SocketWrapperBase;

/**
 * Cuts off clients whose requests trickle in. Tomcat's connection timeout begins anew with every byte: a client that sends one every
 * nineteen seconds keeps a connection for days, and 20,000 of them keep everybody else out. Here the same time is what the whole of the
 * headers may take, and the whole of the body. A byte that is waited for may take it once more.
 */
final class SlowRequests {

    /** As server.tomcat.max-swallow-size. */
    private static final int MOST_THROWN_AWAY = 16 * 1024 * 1024;

    private SlowRequests() {}

    /**
     * Bounds the headers. Tomcat reads them as they come, and hands the connection back, LONG, as long as they are not complete. (Also when they
     * belong to a request that was sent before the answer to the last one: a client that does so without a pause is cut off, too.)
     */
    static final class Headers<S> implements Handler<S> {

        private final Handler<S> tomcat;
        private final AbstractProtocol<S> protocol;
        private final Map<SocketWrapperBase<S>, Long> incompleteSince = new ConcurrentHashMap<>();

        Headers(Handler<S> tomcat, AbstractProtocol<S> protocol) {
            this.tomcat = tomcat;
            this.protocol = protocol;
        }

        @Override
        public SocketState process(SocketWrapperBase<S> socket, SocketEvent event) {
            var state = tomcat.process(socket, event);
            if (state != SocketState.LONG) {
                incompleteSince.remove(socket);
                return state;
            }
            long now = System.nanoTime();
            long since = incompleteSince.computeIfAbsent(socket, _ -> now);
            if (!isOver(protocol.getConnectionTimeout(), now - since)) {
                return state;
            }
            incompleteSince.remove(socket);
            return SocketState.CLOSED;
        }

        @Override
        public void release(SocketWrapperBase<S> socket) {
            incompleteSince.remove(socket);
            tomcat.release(socket);
        }

        @Override
        public Object getGlobal() {
            return tomcat.getGlobal();
        }

        @Override
        public void pause() {
            tomcat.pause();
        }

        @Override
        public void recycle() {
            tomcat.recycle();
        }
    }

    /**
     * Bounds the body, also the part that nobody wants: what a refused request has yet to send is read and thrown away here, since Tomcat
     * would do so without end.
     */
    static final class Body extends ValveBase {

        Body() {
            super(true);
        }

        @Override
        public void invoke(Request request, Response response) throws IOException, ServletException {
            if (response.isError()) {
                // Tomcat refused the request before it came here, and may not know how long the body is.
                getNext().invoke(request, response);
                request.getCoyoteRequest().action(ActionCode.CLOSE_NOW, null);
                return;
            }
            if (!hasBody(request)
                    || !(request.getConnector().getProtocolHandler() instanceof AbstractProtocol<?> tomcat)) {
                getNext().invoke(request, response);
                return;
            }
            var coyote = request.getCoyoteRequest();
            var whole = coyote.getInputBuffer();
            var punctual = new Punctual(whole, tomcat.getConnectionTimeout());
            coyote.setInputBuffer(punctual);
            try {
                getNext().invoke(request, response);
            } finally {
                coyote.setInputBuffer(whole); // It serves the connection's next request, too.
                if (!punctual.isReadToItsEnd()) {
                    coyote.action(ActionCode.CLOSE_NOW, null);
                }
            }
        }

        private static boolean hasBody(Request request) {
            return request.getContentLengthLong() > 0 || request.getHeader("Transfer-Encoding") != null;
        }
    }

    /** A body that may be waited for only so long. What the service does between two reads is not counted. */
    private static final class Punctual implements InputBuffer, ApplicationBufferHandler {

        private final InputBuffer body;
        private final int timeoutMillis;
        private long waited;
        private ByteBuffer thrownAway = EMPTY_BUFFER;

        Punctual(InputBuffer body, int timeoutMillis) {
            this.body = body;
            this.timeoutMillis = timeoutMillis;
        }

        @Override
        public int doRead(ApplicationBufferHandler handler) throws IOException {
            if (isOver(timeoutMillis, waited)) {
                throw new SocketTimeoutException("The body came too slowly"); // Which Tomcat answers with 408.
            }
            long begun = System.nanoTime();
            try {
                return body.doRead(handler);
            } finally {
                waited += System.nanoTime() - begun;
            }
        }

        /** Reads what is left of it; false if that takes too long or is too much. */
        boolean isReadToItsEnd() {
            try {
                long left = MOST_THROWN_AWAY;
                while (left >= 0) {
                    int read = doRead(this);
                    if (read < 0) {
                        return true;
                    }
                    left -= read;
                }
                return false;
            } catch (IOException e) {
                return false;
            }
        }

        @Override
        public int available() {
            return body.available();
        }

        @Override
        public void setByteBuffer(ByteBuffer buffer) {
            thrownAway = buffer;
        }

        @Override
        public ByteBuffer getByteBuffer() {
            return thrownAway;
        }

        @Override
        public void expand(int size) {
            // Each read brings a buffer of its own.
        }
    }

    private static boolean isOver(int timeoutMillis, long nanos) {
        return timeoutMillis > 0 && nanos > Duration.ofMillis(timeoutMillis).toNanos();
    }
}
