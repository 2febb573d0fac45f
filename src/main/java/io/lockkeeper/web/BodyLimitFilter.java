package io.lockkeeper.web;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.Enumeration;
import org.jspecify.annotations.Nullable;
import org.springframework.core.Ordered;
import org.springframework.http.HttpHeaders;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Bounds what a request body may cost: 64 KiB, counted while it is read when its length was not announced, and not compressed,
 * since 64 KiB of gzip can be 64 MiB. Lies behind Spring Security, so a stranger learns only that a token is needed.
 */
@Component
class BodyLimitFilter extends OncePerRequestFilter implements Ordered {

    static final int LIMIT_BYTES = 64 * 1024;

    private final ProblemWriter problems;

    BodyLimitFilter(ProblemWriter problems) {
        this.problems = problems;
    }

    static Problem tooLarge() {
        return Problem.of(
                        ProblemType.BODY_TOO_LARGE,
                        "The body may have %d bytes at most. Shorten what it says.".formatted(LIMIT_BYTES))
                .with("limit_bytes", LIMIT_BYTES);
    }

    @Override
    public int getOrder() {
        return 0;
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        var encoding = request.getHeader(HttpHeaders.CONTENT_ENCODING);
        if (encoding != null && !encoding.equalsIgnoreCase("identity")) {
            problems.write(request, response, compressed());
        } else if (request.getContentLengthLong() > LIMIT_BYTES) {
            problems.write(request, response, tooLarge());
        } else if (request.getContentLengthLong() == 0) {
            chain.doFilter(new EmptyRequest(request), response);
        } else if (isOfAnyType(request)) {
            problems.write(request, response, RefusedByStatus.problem(415, request.getMethod()));
        } else {
            chain.doFilter(new LimitedRequest(request), response);
        }
    }

    /** Spring fails on a type such as {@code *}{@code /*}, where it refuses all others that it does not know. */
    private static boolean isOfAnyType(HttpServletRequest request) {
        var type = request.getContentType();
        return type != null && type.contains("*");
    }

    private static Problem compressed() {
        return Problem.of(ProblemType.UNSUPPORTED_MEDIA_TYPE, "Send the body as it is, without Content-Encoding.")
                .header(HttpHeaders.ACCEPT_ENCODING, "identity");
    }

    /** A body without content has no type either, whatever the client's library says on its own ({@code curl -d ''}). */
    private static final class EmptyRequest extends HttpServletRequestWrapper {

        EmptyRequest(HttpServletRequest request) {
            super(request);
        }

        @Override
        public @Nullable String getContentType() {
            return null;
        }

        @Override
        public @Nullable String getHeader(String name) {
            return name.equalsIgnoreCase(HttpHeaders.CONTENT_TYPE) ? null : super.getHeader(name);
        }

        @Override
        public Enumeration<String> getHeaders(String name) {
            return name.equalsIgnoreCase(HttpHeaders.CONTENT_TYPE)
                    ? Collections.emptyEnumeration()
                    : super.getHeaders(name);
        }

        @Override
        public Enumeration<String> getHeaderNames() {
            return Collections.enumeration(Collections.list(super.getHeaderNames()).stream()
                    .filter(name -> !name.equalsIgnoreCase(HttpHeaders.CONTENT_TYPE))
                    .toList());
        }
    }

    private static final class LimitedRequest extends HttpServletRequestWrapper {

        private @Nullable ServletInputStream limited;

        LimitedRequest(HttpServletRequest request) {
            super(request);
        }

        @Override
        public ServletInputStream getInputStream() throws IOException {
            var stream = limited;
            if (stream == null) {
                stream = new LimitedStream(super.getInputStream());
                limited = stream;
            }
            return stream;
        }

        @Override
        public BufferedReader getReader() throws IOException {
            return new BufferedReader(new InputStreamReader(getInputStream(), StandardCharsets.UTF_8));
        }
    }

    private static final class LimitedStream extends ServletInputStream {

        private final ServletInputStream body;
        private long count;

        LimitedStream(ServletInputStream body) {
            this.body = body;
        }

        @Override
        public int read() throws IOException {
            var next = body.read();
            count(next < 0 ? 0 : 1);
            return next;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            var read = body.read(bytes, offset, length);
            count(Math.max(0, read));
            return read;
        }

        private void count(int bytes) {
            count += bytes;
            if (count > LIMIT_BYTES) {
                throw tooLarge().asException();
            }
        }

        @Override
        public boolean isFinished() {
            return body.isFinished();
        }

        @Override
        public boolean isReady() {
            return body.isReady();
        }

        @Override
        public void setReadListener(ReadListener listener) {
            body.setReadListener(listener);
        }
    }
}
