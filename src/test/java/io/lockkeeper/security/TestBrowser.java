package io.lockkeeper.security;

import static org.assertj.core.api.Assertions.assertThat;

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
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpMethod;

/** A browser: its cookies, and the CSRF token of its forms. It follows no redirect by itself. */
final class TestBrowser {

    private static final Pattern CSRF = Pattern.compile("name=\"_csrf\" value=\"([^\"]+)\"");

    final Map<String, String> cookies = new LinkedHashMap<>();
    String csrf = "";

    private final HttpClient http = HttpClient.newHttpClient();
    private final URI service;

    TestBrowser(URI service) {
        this.service = service;
    }

    HttpResponse<InputStream> send(
            HttpMethod method, String path, @Nullable Map<String, String> form, String... headers) {
        return send(method, path, form == null ? null : encoded(form), headers);
    }

    /** A form as somebody may send it who does not use a browser. */
    HttpResponse<InputStream> sendRaw(String path, String body) {
        return send(HttpMethod.POST, path, body);
    }

    private HttpResponse<InputStream> send(HttpMethod method, String path, @Nullable String body, String... headers) {
        var request = HttpRequest.newBuilder(service.resolve(path)).header("Accept", "text/html, text/event-stream");
        if (!cookies.isEmpty()) {
            var header = new StringBuilder();
            cookies.forEach((name, value) -> header.append(header.isEmpty() ? "" : "; ")
                    .append(name)
                    .append('=')
                    .append(value));
            request.header("Cookie", header.toString());
        }
        if (headers.length > 0) {
            request.headers(headers);
        }
        if (body == null) {
            request.method(method.name(), BodyPublishers.noBody());
        } else {
            request.header("Content-Type", "application/x-www-form-urlencoded")
                    .method(method.name(), BodyPublishers.ofString(body));
        }
        try {
            var answer = http.send(request.build(), BodyHandlers.ofInputStream());
            for (var cookie : answer.headers().allValues("Set-Cookie")) {
                var pair = cookie.substring(0, cookie.indexOf(';')).split("=", 2);
                cookies.put(pair[0], pair[1]);
                if (cookie.contains("Max-Age=0")) {
                    cookies.remove(pair[0]);
                }
            }
            return answer;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    HttpResponse<InputStream> get(String path) {
        return send(HttpMethod.GET, path, (String) null);
    }

    /** Sends a form as the page has made it. */
    HttpResponse<InputStream> post(String path, Map<String, String> form) {
        var whole = new LinkedHashMap<>(form);
        whole.put("_csrf", csrf);
        return send(HttpMethod.POST, path, whole);
    }

    TestBrowser open(String path) {
        Matcher found = CSRF.matcher(text(get(path)));
        assertThat(found.find()).as("a form in " + path).isTrue();
        csrf = found.group(1);
        return this;
    }

    /** Where the browser is led then. */
    String logIn(String token) {
        open("/login");
        return location(post("/login", Map.of("token", token)));
    }

    private static String encoded(Map<String, String> form) {
        return String.join(
                "&",
                form.entrySet().stream()
                        .map(field ->
                                field.getKey() + "=" + URLEncoder.encode(field.getValue(), StandardCharsets.UTF_8))
                        .toList());
    }

    static String text(HttpResponse<InputStream> answer) {
        try (var body = answer.body()) {
            return new String(body.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static String location(HttpResponse<InputStream> answer) {
        return answer.headers().firstValue("Location").orElse("status " + answer.statusCode());
    }
}
