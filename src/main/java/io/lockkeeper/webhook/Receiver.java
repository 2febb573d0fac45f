package io.lockkeeper.webhook;

import io.lockkeeper.webhook.Reply.Verdict;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.UnknownHostException;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The other side of a webhook, for one stretch of deliveries, which share their connection. Redirects are not followed: the address is what
 * the configuration says.
 *
 * <p>An answer counts as soon as its status is there. The body, which matters to nobody but a person who tests, may be slow, endless or cut
 * off; what has come of it within the time-out and up to a limit is kept.
 */
final class Receiver implements AutoCloseable {
    /** How long a whole attempt may take, name look-up included. */
    static final Duration TIMEOUT = Duration.ofSeconds(10);

    /** Longer than this nobody is left alone because they ask for it. */
    static final Duration LONGEST_RETRY_AFTER = Duration.ofHours(1);

    /** No more of an answer is read. */
    static final int BODY_LIMIT = 16 * 1024;

    static final int EXCERPT_CHARACTERS = 300;

    private static final Logger LOG = LoggerFactory.getLogger(Receiver.class);

    private final Webhook webhook;
    private final HttpClient client;
    private volatile @Nullable CompletableFuture<?> underWay;
    private volatile boolean aborted;

    Receiver(Webhook webhook) {
        this.webhook = webhook;
        // Its own threads look names up, which may block them beyond interruption. The JVM's settings say whether there
        // is a proxy.
        this.client = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .connectTimeout(TIMEOUT)
                .build();
    }

    /** Takes no longer than the time-out and never fails: whatever goes wrong is a reply. */
    Reply post(Message message) {
        var exchange = new Exchange();
        long start = System.nanoTime();
        CompletableFuture<HttpResponse<Void>> call = client.sendAsync(request(message), exchange::begin);
        underWay = call;
        if (aborted) {
            call.cancel(true);
        }
        String fault = "";
        try {
            call.get(TIMEOUT.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            fault = "No answer within " + TIMEOUT.toSeconds() + " seconds.";
        } catch (ExecutionException e) {
            fault = sentence(e.getCause());
        } catch (CancellationException e) {
            fault = "The service was stopped.";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            fault = "The service was stopped.";
        } finally {
            call.cancel(true);
        }
        HttpResponse.ResponseInfo answer = exchange.answer;
        return answer == null
                ? new Reply(Verdict.FAILED, null, fault, Duration.ZERO, "")
                : judge(answer, Duration.ofNanos(System.nanoTime() - start), exchange.text());
    }

    private HttpRequest request(Message message) {
        // Receivers compare it with their own clocks, to refuse what somebody recorded and sends again.
        long now = Instant.now().getEpochSecond();
        HttpRequest.Builder request = HttpRequest.newBuilder(withoutCredentials(webhook.url()))
                .timeout(TIMEOUT)
                .header("Content-Type", "application/json")
                .header("User-Agent", "lockkeeper")
                .header("webhook-id", message.id())
                .header("webhook-timestamp", Long.toString(now))
                .POST(BodyPublishers.ofString(message.body()));
        if (!webhook.keys().isEmpty()) {
            request.header(
                    "webhook-signature",
                    webhook.keys().stream()
                            .map(key -> key.sign(message.id(), now, message.body()))
                            .collect(Collectors.joining(" ")));
        }
        String credentials = webhook.url().getUserInfo();
        if (credentials != null) {
            request.header(
                    "Authorization",
                    "Basic " + Base64.getEncoder().encodeToString(credentials.getBytes(StandardCharsets.UTF_8)));
        }
        return request.build();
    }

    private static URI withoutCredentials(URI url) {
        return URI.create(url.toString().replaceFirst("//[^/?@]*@", "//"));
    }

    private Reply judge(HttpResponse.ResponseInfo answer, Duration took, String body) {
        int status = answer.statusCode();
        String answered = "Answered " + status + " in " + took.toMillis() + " ms.";
        Verdict verdict = verdict(status);
        String detail = answered
                + switch (verdict) {
                    case DELIVERED -> "";
                    case REFUSED -> " The receiver does not want this event.";
                    case GONE -> " The receiver wants no events any more.";
                    case FAILED ->
                        status >= 300 && status < 400
                                ? " Redirects are not followed; configure the address that it leads to."
                                : "";
                };
        return new Reply(verdict, status, detail, retryAfter(answer.headers()), excerpt(body));
    }

    private static Verdict verdict(int status) {
        return switch (status) {
            case 400, 413, 422 -> Verdict.REFUSED;
            case 410 -> Verdict.GONE;
            default -> status >= 200 && status < 300 ? Verdict.DELIVERED : Verdict.FAILED;
        };
    }

    /** Seconds, or a date (RFC 9110, 10.2.3). */
    private static Duration retryAfter(HttpHeaders headers) {
        Optional<String> said = headers.firstValue("Retry-After").map(String::strip);
        if (said.isEmpty()) {
            return Duration.ZERO;
        }
        Duration wait;
        if (said.get().matches("\\d{1,9}")) {
            wait = Duration.ofSeconds(Long.parseLong(said.get()));
        } else {
            try {
                var until = ZonedDateTime.parse(said.get(), DateTimeFormatter.RFC_1123_DATE_TIME)
                        .toInstant();
                wait = Duration.between(Instant.now(), until);
            } catch (DateTimeException e) {
                return Duration.ZERO;
            }
        }
        if (wait.isNegative()) {
            return Duration.ZERO;
        }
        return wait.compareTo(LONGEST_RETRY_AFTER) > 0 ? LONGEST_RETRY_AFTER : wait;
    }

    /** An answer may repeat the request's target, which may be a secret. */
    private String excerpt(String body) {
        String shown = body;
        for (String part :
                List.of(text(webhook.url().getRawPath()), text(webhook.url().getRawQuery()))) {
            if (part.length() > 1) {
                shown = shown.replace(part, "<hidden>");
            }
        }
        String line = shown.strip().replaceAll("\\s+|\\p{Cntrl}", " ");
        return line.length() <= EXCERPT_CHARACTERS ? line : line.substring(0, EXCERPT_CHARACTERS) + "…";
    }

    private static String text(@Nullable String part) {
        return part == null ? "" : part;
    }

    private String sentence(@Nullable Throwable fault) {
        return switch (fault) {
            case ConnectException e
            when e.getCause() instanceof UnresolvedAddressException -> "The host name is not known.";
            case UnknownHostException _ -> "The host name is not known.";
            case ConnectException _ -> "No connection: it was refused, or the host cannot be reached.";
            case SSLException _ -> "No TLS connection: the certificate or the handshake was not accepted.";
            case HttpTimeoutException _ -> "No answer within " + TIMEOUT.toSeconds() + " seconds.";
            case IOException _ -> "The connection broke, or the answer was not HTTP.";
            case CancellationException _ -> "The service was stopped.";
            case null, default -> {
                // Its name only: the message may show the URL.
                LOG.warn(
                        "An attempt of webhook {} failed in an unexpected way: {}.",
                        webhook.name(),
                        fault == null ? "no cause" : fault.getClass().getName());
                yield "The attempt failed in an unexpected way, which the log of the service tells.";
            }
        };
    }

    /** Ends the attempt under way, and every later one. */
    void abort() {
        aborted = true;
        CompletableFuture<?> call = underWay;
        if (call != null) {
            call.cancel(true);
        }
    }

    /** Not the client's close(), which would wait for an answer that nobody waits for any more. */
    @Override
    public void close() {
        client.shutdownNow();
    }

    /** What has come of one answer. */
    private static final class Exchange implements BodySubscriber<Void> {
        private final ByteArrayOutputStream body = new ByteArrayOutputStream();
        private final CompletableFuture<Void> end = new CompletableFuture<>();
        private volatile HttpResponse.@Nullable ResponseInfo answer;
        private Flow.@Nullable Subscription subscription;

        BodySubscriber<Void> begin(HttpResponse.ResponseInfo begun) {
            answer = begun;
            return this;
        }

        @Override
        public CompletionStage<Void> getBody() {
            return end;
        }

        @Override
        public void onSubscribe(Flow.Subscription begun) {
            subscription = begun;
            begun.request(Long.MAX_VALUE);
        }

        @Override
        public void onNext(List<ByteBuffer> buffers) {
            synchronized (body) {
                for (ByteBuffer buffer : buffers) {
                    byte[] bytes = new byte[Math.min(buffer.remaining(), BODY_LIMIT - body.size())];
                    buffer.get(bytes);
                    body.writeBytes(bytes);
                }
                if (body.size() >= BODY_LIMIT && subscription != null) {
                    subscription.cancel();
                    end.complete(null);
                }
            }
        }

        @Override
        public void onError(Throwable fault) {
            end.completeExceptionally(fault);
        }

        @Override
        public void onComplete() {
            end.complete(null);
        }

        String text() {
            synchronized (body) {
                return body.toString(StandardCharsets.UTF_8);
            }
        }
    }
}
