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
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.core.Ordered;
import org.springframework.http.HttpHeaders;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Bounds what a request body may cost: 64 KiB, or what a {@link BodyLimit} says, counted while it is read when its length was not announced, and not compressed,
 * since 64 KiB of gzip can be 64 MiB. Lies behind Spring Security, so a stranger learns only that a token is needed.
 */
@Component
class BodyLimitFilter extends OncePerRequestFilter implements Ordered {

    static final int LIMIT_BYTES = 64 * 1024;

    private final ProblemWriter problems;
    private final List<BodyLimit> others;

    BodyLimitFilter(ProblemWriter problems, ObjectProvider<BodyLimit> others) {
        this.problems = problems;
        this.others = others.stream().toList();
    }

    static Problem tooLarge() {
        return tooLarge(LIMIT_BYTES);
    }

    private static Problem tooLarge(int limit) {
        return Problem.of(
                        ProblemType.BODY_TOO_LARGE,
                        "The body may have %d bytes at most. Shorten what it says.".formatted(limit))
                .with("limit_bytes", limit);
    }

    private int limit(HttpServletRequest request) {
        return others.stream()
                .filter(other -> other.of().matches(request))
                .mapToInt(BodyLimit::bytes)
                .findFirst()
                .orElse(LIMIT_BYTES);
    }

    @Override
    public int getOrder() {
        return 0;
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        var limit = limit(request);
        var encoding = request.getHeader(HttpHeaders.CONTENT_ENCODING);
        if (encoding != null && !encoding.equalsIgnoreCase("identity")) {
            problems.write(request, response, compressed());
        } else if (request.getContentLengthLong() > limit) {
            problems.write(request, response, tooLarge(limit));
        } else if (request.getContentLengthLong() == 0) {
            chain.doFilter(new EmptyRequest(request), response);
        } else if (isOfAnyType(request)) {
            problems.write(request, response, RefusedByStatus.problem(415, request.getMethod()));
        } else {
            chain.doFilter(new LimitedRequest(request, limit), response);
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

        private final int limit;
        private @Nullable ServletInputStream limited;

        LimitedRequest(HttpServletRequest request, int limit) {
            super(request);
            this.limit = limit;
        }

        @Override
        public ServletInputStream getInputStream() throws IOException {
            var stream = limited;
            if (stream == null) {
                stream = new LimitedStream(super.getInputStream(), limit);
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
        private final int limit;
        private long count;

        LimitedStream(ServletInputStream body, int limit) {
            this.body = body;
            this.limit = limit;
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
            if (count > limit) {
                throw tooLarge(limit).asException();
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
