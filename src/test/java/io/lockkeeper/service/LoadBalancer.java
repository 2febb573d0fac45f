package io.lockkeeper.service;

import io.lockkeeper.ServiceProcess;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * Spreads connections over replicas, as a Kubernetes service or a TCP load balancer does: a new one goes to one of the replicas that were ready
 * when they were last asked, and stays there. It tries no second replica when the first one refuses.
 */
final class LoadBalancer implements AutoCloseable {
    static final Duration PROBE_INTERVAL = Duration.ofMillis(200);
    private static final int BACKLOG = 200;

    private final ServerSocket server = new ServerSocket(0, BACKLOG, InetAddress.getLoopbackAddress());
    private final HttpClient http = HttpClient.newHttpClient();
    private final Map<Integer, Integer> connections = new ConcurrentHashMap<>();
    private final List<Integer> replicas;
    private final AtomicInteger turn = new AtomicInteger();
    private volatile List<Integer> ready = List.of();

    /** @param replicas where they are; each may be gone for a while and come back on the same port */
    LoadBalancer(List<ServiceProcess> replicas) throws IOException {
        this.replicas = replicas.stream().map(ServiceProcess::port).toList();
        look();
        Thread.ofVirtual().start(this::keepLooking);
        Thread.ofVirtual().start(this::accept);
    }

    URI url() {
        return URI.create("http://localhost:" + server.getLocalPort());
    }

    /** How many replicas new connections go to. */
    int readyReplicas() {
        return ready.size();
    }

    /** How many connections have gone to a replica so far. */
    int connectionsTo(ServiceProcess replica) {
        return connections.getOrDefault(replica.port(), 0);
    }

    private void keepLooking() {
        while (!server.isClosed()) {
            LockSupport.parkNanos(PROBE_INTERVAL.toNanos());
            look();
        }
    }

    private void look() {
        ready = replicas.stream().filter(this::isReady).toList();
    }

    private boolean isReady(int port) {
        HttpRequest readiness = HttpRequest.newBuilder(
                        URI.create("http://localhost:" + port + "/actuator/health/readiness"))
                .timeout(Duration.ofSeconds(2))
                .build();
        try {
            return http.send(readiness, BodyHandlers.discarding()).statusCode() == 200;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private void accept() {
        try {
            while (true) {
                Socket client = server.accept();
                Thread.ofVirtual().start(() -> connect(client));
            }
        } catch (IOException e) {
            // Closed: the test is over.
        }
    }

    private void connect(Socket client) {
        List<Integer> candidates = ready;
        try (client) {
            if (candidates.isEmpty()) {
                return;
            }
            int port = candidates.get(Math.floorMod(turn.getAndIncrement(), candidates.size()));
            connections.merge(port, 1, Integer::sum);
            try (Socket replica = new Socket(InetAddress.getLoopbackAddress(), port)) {
                client.setTcpNoDelay(true);
                replica.setTcpNoDelay(true);
                Thread answers = Thread.ofVirtual().start(() -> copy(replica, client));
                copy(client, replica);
                answers.join();
            }
        } catch (IOException e) {
            // The replica refused it. The client sees that its connection has ended.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Passes on what comes, and the end of it. */
    private static void copy(Socket from, Socket to) {
        try {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            in.transferTo(out);
            to.shutdownOutput();
        } catch (IOException e) {
            // Either side broke off. Breaking off both lets either notice.
            abort(from);
            abort(to);
        }
    }

    private static void abort(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            // It is closed.
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
        http.shutdownNow();
    }
}
