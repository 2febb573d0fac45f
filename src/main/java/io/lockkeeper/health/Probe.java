package io.lockkeeper.health;

import io.lockkeeper.environment.HealthUrl;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One GET of a health URL, on a connection of its own.
 *
 * <p>Health endpoints are usually inside, so loopback and private addresses are allowed. Refused are link-local ones, where clouds hand
 * out credentials, and those that are nobody's (any-local, multicast). A host is refused if any of its addresses is. Redirects and
 * proxies, which would lead past this check, are not followed; the body is thrown away.
 *
 * <p>What remains: Java's client looks the name up by itself and cannot be told an address. It gets the addresses that were checked
 * because the JVM keeps them for 30 seconds ({@code networkaddress.cache.ttl}); only if they lapse in the very moment between check and
 * connection may a hostile name server answer with another one. Even then nothing of the answer is shown but its status code.
 */
final class Probe {
    /** A longer body is not read to its end. */
    static final int BODY_LIMIT = 64 * 1024;

    private static final Logger LOG = LoggerFactory.getLogger(Probe.class);
    private static final int TOO_MANY_REQUESTS = 429;
    private static final int UNAVAILABLE = 503;

    private final Duration timeout;

    Probe(Duration timeout) {
        this.timeout = timeout;
    }

    /** Takes no longer than the time-out and never fails: whatever goes wrong is a finding. */
    Finding of(String url) {
        if (!HealthUrl.isValid(url)) {
            return Finding.unhealthy("Not probed: the health_url " + HealthUrl.RULE + ".");
        }
        // A name server that does not answer blocks its thread beyond interruption. It must be neither the caller's nor
        // one of the few
        // that carry the virtual threads.
        var task = new FutureTask<>(() -> ask(new HealthUrl(url).uri()));
        Thread.ofPlatform().daemon().name("lockkeeper-probe").start(task);
        try {
            return task.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            return Finding.unhealthy("No complete answer within " + timeout.toSeconds()
                    + (timeout.toSeconds() == 1 ? " second." : " seconds."));
        } catch (ExecutionException e) {
            return Finding.unhealthy(sentence(e.getCause()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Finding.unhealthy("The probe was interrupted.");
        } finally {
            task.cancel(true);
        }
    }

    private Finding ask(URI uri) throws IOException, InterruptedException {
        long start = System.nanoTime();
        if (Arrays.stream(InetAddress.getAllByName(uri.getHost())).anyMatch(Probe::isRefused)) {
            return Finding.unhealthy(
                    "Not probed: the host leads to a link-local, multicast or unspecified address, and those are refused.");
        }
        HttpRequest request = HttpRequest.newBuilder(uri)
                .header("User-Agent", "lockkeeper")
                .GET()
                .build();
        // Not close(), which would wait for an answer that nobody waits for any more.
        HttpClient client = client();
        try {
            HttpResponse<InputStream> response = client.send(request, BodyHandlers.ofInputStream());
            try (InputStream body = response.body()) {
                var _ = body.readNBytes(BODY_LIMIT);
            }
            return judge(response.statusCode(), Duration.ofNanos(System.nanoTime() - start));
        } finally {
            client.shutdownNow();
        }
    }

    private static HttpClient client() {
        return HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .proxy(HttpClient.Builder.NO_PROXY)
                .build();
    }

    private static boolean isRefused(InetAddress address) {
        return address.isLinkLocalAddress() || address.isAnyLocalAddress() || address.isMulticastAddress();
    }

    private Finding judge(int status, Duration took) {
        String answered = "Answered " + status + " in " + took.toMillis() + " ms";
        if (status == TOO_MANY_REQUESTS || status == UNAVAILABLE) {
            return Finding.degraded(answered + ".");
        }
        if (status >= 300 && status < 400) {
            return Finding.unhealthy(answered + ". Redirects are not followed.");
        }
        if (status < 200 || status >= 300) {
            return Finding.unhealthy(answered + ".");
        }
        return took.compareTo(timeout.dividedBy(2)) > 0
                ? Finding.degraded(answered + ", which is slow.")
                : Finding.healthy(answered + ".");
    }

    private static String sentence(@Nullable Throwable fault) {
        return switch (fault) {
            case UnknownHostException _ -> "The host name is not known.";
            case ConnectException _ -> "No connection: it was refused, or the host cannot be reached.";
            case SSLException _ -> "No TLS connection: the certificate or the handshake was not accepted.";
            case IOException _ -> "The connection broke, or the answer was not HTTP.";
            case null, default -> {
                LOG.warn("A health probe failed in an unexpected way.", fault);
                yield "The probe failed in an unexpected way, which the log of the service tells.";
            }
        };
    }
}
