package io.lockkeeper.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lockkeeper.Alone;
import io.lockkeeper.ServiceProcess;
import io.lockkeeper.TestDatabase;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;

/** Clients that ask for much and read nothing of it: more than the operating systems buffer between them and the service. */
@Alone
class SlowReadersIT {

    /** More than there are connections to the database (10). */
    private static final int READERS = 30;

    /** A page of history has more bytes than this, so that a hundred of them on one connection fill every buffer. */
    private static final int PAGE = 100_000;

    @Test
    void readers_of_a_large_answer_hold_no_database_connection_slow_nobody_and_are_cut_off() throws Exception {
        play(
                "/api/admin/deployments?limit=200",
                100,
                (api, database) -> {
                    fillHistory(api);
                    assertThat(api.call("GET", "/api/admin/deployments?limit=200", null)
                                    .text()
                                    .length())
                            .isGreaterThan(PAGE);
                },
                database -> {});
    }

    @Test
    void readers_of_the_events_hold_no_database_connection_slow_nobody_and_are_cut_off() throws Exception {
        play(
                "/api/admin/events",
                1,
                (api, database) -> {},
                database -> JdbcClient.create(database.dataSource()).sql("""
                        INSERT INTO event (type, environments, data)
                        SELECT 'queued', '{production}', jsonb_build_object('reason', repeat('r', 4000))
                        FROM generate_series(1, 6000)""").update());
    }

    /**
     * Has many ask and read nothing, while others deploy.
     *
     * @param times how often each asks
     * @param meanwhile what happens when all have asked
     */
    private static void play(
            String path, int times, BiConsumer<Api, TestDatabase> before, Consumer<TestDatabase> meanwhile)
            throws Exception {
        assumeTrue(Files.isDirectory(Path.of("/proc/self/fd")), "where a process's connections can be counted");
        TestDatabase database = TestDatabase.migrated();
        try (ServiceProcess service =
                ServiceProcess.startOn(database, ServiceProcess.QUIETLY, "--server.tomcat.connection-timeout=10s")) {
            Api api = new Api(service.url(), service.adminToken());
            before.accept(api, database);
            long filesBefore = openFiles(service);
            List<Socket> readers = new ArrayList<>();
            try {
                for (int i = 0; i < READERS; i++) {
                    readers.add(ask(service, path, times));
                }
                // The service closes some of its own meanwhile.
                Awaitility.await()
                        .atMost(Duration.ofSeconds(30))
                        .until(() -> openFiles(service) >= filesBefore + READERS * 3 / 4);
                meanwhile.accept(database);

                // If each held one, nobody else would get a connection to the database.
                for (int i = 0; i < 20; i++) {
                    var holder = api.acquire("elsewhere", "{}");
                    assertThat(api.heartbeat(holder).status()).isEqualTo(200);
                    assertThat(api.release(holder).status()).isEqualTo(200);
                }

                // A few are connections of others, and to the database.
                Awaitility.await()
                        .atMost(Duration.ofSeconds(90))
                        .until(() -> openFiles(service) < filesBefore + READERS / 2);
            } finally {
                for (Socket reader : readers) {
                    reader.close();
                }
            }
        }
    }

    private static void fillHistory(Api api) {
        String body = "{\"reason\":\"" + "r".repeat(1000) + "\"}";
        for (int i = 0; i < 200; i++) {
            api.release(api.acquire("production", body));
        }
    }

    /** With the smallest window that an operating system gives, so that the service's side fills. */
    private static Socket ask(ServiceProcess service, String path, int times) throws IOException {
        var socket = new Socket();
        socket.setReceiveBufferSize(1024);
        socket.connect(new InetSocketAddress("localhost", service.port()));
        socket.getOutputStream()
                .write(("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + service.adminToken()
                                + "\r\n\r\n")
                        .repeat(times)
                        .getBytes(StandardCharsets.US_ASCII));
        return socket;
    }

    private static long openFiles(ServiceProcess service) throws IOException {
        try (var files =
                Files.list(Path.of("/proc", Long.toString(service.handle().pid()), "fd"))) {
            return files.count();
        }
    }
}
