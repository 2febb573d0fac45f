package io.lockkeeper.service;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A browser without a screen: somebody who is logged in to the page. */
final class PageSession implements AutoCloseable {
    private static final Pattern CSRF = Pattern.compile("name=\"_csrf\" value=\"([^\"]+)\"");

    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .executor(Executors.newVirtualThreadPerTaskExecutor())
            .build();
    private final URI base;
    private final Map<String, String> cookies = new LinkedHashMap<>();

    private PageSession(URI base) {
        this.base = base;
    }

    static PageSession logIn(URI base, String token) {
        PageSession session = new PageSession(base);
        HttpResponse<String> answer = session.submit("/login", "/login", Map.of("token", token));
        if (!answer.headers().firstValue("Location").orElse("").equals("/")) {
            throw new AssertionError("not logged in: " + answer.statusCode());
        }
        return session;
    }

    HttpResponse<String> get(String path) {
        return send("GET", path, null, BodyHandlers.ofString());
    }

    /** Opens a page and sends the form that it has for a path. */
    HttpResponse<String> submit(String page, String path, Map<String, String> fields) {
        Matcher csrf = CSRF.matcher(get(page).body());
        if (!csrf.find()) {
            throw new AssertionError("no form in " + page);
        }
        Map<String, String> form = new LinkedHashMap<>(fields);
        form.put("_csrf", csrf.group(1));
        return send("POST", path, form, BodyHandlers.ofString());
    }

    InputStream stream(String path) {
        return send("GET", path, null, BodyHandlers.ofInputStream()).body();
    }

    private <T> HttpResponse<T> send(
            String method, String path, @Nullable Map<String, String> form, HttpResponse.BodyHandler<T> handler) {
        var request = HttpRequest.newBuilder(base.resolve(path)).header("Accept", "text/html, text/event-stream");
        if (!cookies.isEmpty()) {
            request.header(
                    "Cookie",
                    cookies.entrySet().stream()
                            .map(cookie -> cookie.getKey() + "=" + cookie.getValue())
                            .collect(Collectors.joining("; ")));
        }
        if (form == null) {
            request.method(method, BodyPublishers.noBody());
        } else {
            request.header("Content-Type", "application/x-www-form-urlencoded")
                    .method(
                            method,
                            BodyPublishers.ofString(form.entrySet().stream()
                                    .map(field -> field.getKey() + "="
                                            + URLEncoder.encode(field.getValue(), StandardCharsets.UTF_8))
                                    .collect(Collectors.joining("&"))));
        }
        try {
            HttpResponse<T> answer = http.send(request.build(), handler);
            for (String cookie : answer.headers().allValues("Set-Cookie")) {
                String[] pair = cookie.substring(0, cookie.indexOf(';')).split("=", 2);
                cookies.put(pair[0], pair[1]);
            }
            return answer;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        http.shutdownNow();
    }
}
