package io.lockkeeper.benchmark;

import io.lockkeeper.CountingProxy;
import io.lockkeeper.benchmark.Service.Acquired;
import io.lockkeeper.database.EmbeddedPostgres;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;

/** Prints the figures: {@code floors}, {@code scale} or {@code start}. */
public final class Benchmark {
    private static final int WAITERS = 50;
    private static final int HANDOFFS = 400;
    private static final int CALLS = 500;
    /** A service runs for days, so what is measured is code that the JVM has compiled by then. */
    private static final int WARM_UP = 2000;

    private static final int CLIENTS = 8;
    private static final int STARTS = 5;

    private final Path directory;
    private final EmbeddedPostgres postgres;

    private Benchmark(Path directory, EmbeddedPostgres postgres) {
        this.directory = directory;
        this.postgres = postgres;
    }

    public static void main(String[] arguments) throws Exception {
        Path directory = Files.createTempDirectory(Path.of("target"), "benchmark-");
        Path binaries = Path.of("target", "test-postgres", "binaries");
        try (EmbeddedPostgres postgres = EmbeddedPostgres.start(directory.resolve("data"), binaries, Map.of())) {
            Benchmark benchmark = new Benchmark(directory, postgres);
            say(String.format(
                    Locale.ROOT,
                    "%d processors, %s, Java %s",
                    Runtime.getRuntime().availableProcessors(),
                    System.getProperty("os.name"),
                    Runtime.version()));
            switch (arguments[0]) {
                case "floors" -> {
                    benchmark.startUp();
                    benchmark.roundTrips();
                    benchmark.handOff();
                    benchmark.throughput();
                }
                case "scale" -> benchmark.scale();
                case "start" -> benchmark.start();
                default -> throw new IllegalArgumentException("there is no benchmark " + arguments[0]);
            }
        }
        System.exit(0); // The HTTP clients' threads are not worth waiting for.
    }

    private void scale() throws Exception {
        try (Service service = Service.start(directory.resolve("scale"), database());
                Connection connection =
                        DriverManager.getConnection(postgres.jdbcUrl(), postgres.username(), postgres.password())) {
            new Scale(service, connection).run();
        }
    }

    /** The three ways to start, in turn, so that all meet the same machine. */
    private void start() throws Exception {
        Path application = directory.resolve("application").toAbsolutePath(); // Services run elsewhere.
        Path jar = application.resolve("lockkeeper.jar");
        Path cache = application.resolve("lockkeeper.aot");
        Service.start(directory.resolve("start"), database()).close(); // Makes the tables.
        java("-Djarmode=tools", "-jar", Service.JAR.toString(), "extract", "--destination", application.toString());
        java(
                "-XX:AOTCacheOutput=" + cache,
                "-Xlog:aot=error",
                "-Dspring.context.exit=onRefresh",
                "-jar",
                jar.toString());

        Map<String, List<String>> ways = new LinkedHashMap<>();
        ways.put("one jar", List.of("-jar", Service.JAR.toString()));
        ways.put("extracted", List.of("-jar", jar.toString()));
        ways.put("extracted, with a cache", List.of("-XX:AOTCache=" + cache, "-jar", jar.toString()));
        Map<String, List<Double>> times = new LinkedHashMap<>();
        Map<String, Long> megabytes = new LinkedHashMap<>();
        for (int i = 0; i < STARTS; i++) {
            for (Map.Entry<String, List<String>> way : ways.entrySet()) {
                try (Service service = Service.start(directory.resolve("start"), database(), way.getValue())) {
                    times.computeIfAbsent(way.getKey(), name -> new ArrayList<>())
                            .add(millis(service.startUp()));
                    megabytes.put(way.getKey(), service.residentMegabytes());
                }
            }
        }
        double slowest = Collections.min(times.getOrDefault("one jar", List.of()));
        times.forEach((way, each) -> say(String.format(
                Locale.ROOT,
                "start, %-24s %6.0f ms best of %d, %6.0f median, %4.2f of one jar; %d MB resident",
                way,
                Collections.min(each),
                STARTS,
                median(each),
                Collections.min(each) / slowest,
                megabytes.get(way))));
        say(String.format(Locale.ROOT, "cache on disk %d MB", Files.size(cache) / 1_000_000));
    }

    private void java(String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of(Service.JAVA.toString()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("java.log").toFile());
        builder.environment().putAll(database());
        builder.environment().put("LOCKKEEPER_ADMIN_TOKEN", Service.TOKEN);
        int status = builder.start().waitFor();
        if (status != 0) {
            throw new IllegalStateException("java " + String.join(" ", arguments) + " ended with status " + status
                    + ": " + Files.readString(directory.resolve("java.log")));
        }
    }

    private void startUp() throws Exception {
        List<Double> times = new ArrayList<>();
        try (Service first = Service.start(directory.resolve("first"), Map.of())) {
            say(String.format(
                    Locale.ROOT, "start-up, very first, database made on the way   %6.0f ms", millis(first.startUp())));
        }
        for (int i = 0; i < 5; i++) {
            try (Service service = Service.start(directory.resolve("first"), Map.of())) {
                times.add(millis(service.startUp()));
            }
        }
        say(String.format(
                Locale.ROOT,
                "start-up, embedded database there already        %6.0f ms median, %.0f best of %d",
                median(times),
                Collections.min(times),
                times.size()));
    }

    private void roundTrips() throws Exception {
        int port = Integer.parseInt(postgres.jdbcUrl().replaceAll("(?s).*?:(\\d+)/.*", "$1"));
        try (CountingProxy proxy = new CountingProxy(port);
                Service service = Service.start(directory.resolve("counted"), database(proxy.port()))) {
            for (int i = 0; i < 200; i++) {
                service.release(service.acquire("counted"));
            }
            long before = proxy.roundTrips();
            long start = System.nanoTime();
            LockSupport.parkNanos(Duration.ofSeconds(10).toNanos());
            double idlePerNano = (proxy.roundTrips() - before) / (double) (System.nanoTime() - start);
            Counter acquire = new Counter(proxy, idlePerNano);
            Counter heartbeat = new Counter(proxy, idlePerNano);
            Counter release = new Counter(proxy, idlePerNano);
            Counter look = new Counter(proxy, idlePerNano);
            for (int i = 0; i < CALLS; i++) {
                Acquired run = acquire.count(() -> service.acquire("counted"));
                look.count(() -> service.look(run, 0));
                heartbeat.count(() -> {
                    service.heartbeat(run);
                    return run;
                });
                release.count(() -> {
                    service.release(run);
                    return run;
                });
            }
            say(String.format(
                    Locale.ROOT,
                    "database round trips, uncontended                 acquire %.2f, look %.2f, heartbeat %.2f, release %.2f (less %.1f a second when idle)",
                    acquire.each(),
                    look.each(),
                    heartbeat.each(),
                    release.each(),
                    idlePerNano * 1e9));
        }
    }

    /** Counts round trips while something runs, less those that would have been made anyway. */
    private static final class Counter {
        private final CountingProxy proxy;
        private final double idlePerNano;
        private double counted;
        private int calls;

        Counter(CountingProxy proxy, double idlePerNano) {
            this.proxy = proxy;
            this.idlePerNano = idlePerNano;
        }

        <T> T count(Callable<T> call) throws Exception {
            long before = proxy.roundTrips();
            long start = System.nanoTime();
            T result = call.call();
            counted += proxy.roundTrips() - before - idlePerNano * (System.nanoTime() - start);
            calls++;
            return result;
        }

        double each() {
            return counted / calls;
        }
    }

    private void handOff() throws Exception {
        try (Service one = Service.start(directory.resolve("one"), database());
                Service two = Service.start(directory.resolve("two"), database());
                Connection connection =
                        DriverManager.getConnection(postgres.jdbcUrl(), postgres.username(), postgres.password())) {
            handOffs(connection, one, one, "warm-up", WARM_UP);
            List<Double> local = handOffs(connection, one, one, "local", HANDOFFS);
            List<Double> health = times(HANDOFFS, one::health);
            List<Double> commits = times(HANDOFFS, twoCommits(connection));
            handOffs(connection, one, two, "warm-up", WARM_UP);
            List<Double> across = handOffs(connection, one, two, "across", HANDOFFS);
            double floor = median(health) + median(commits);
            say(String.format(
                    Locale.ROOT,
                    "hand-off, %d waiters, release sent to grant heard  %6.2f ms median, %.2f p95, %.2f max",
                    WAITERS,
                    median(local),
                    p95(local),
                    Collections.max(local)));
            say(String.format(
                    Locale.ROOT,
                    "  floor: a bare HTTP request and two commits        %6.2f ms median (%.2f + %.2f); ratio %.1f",
                    floor,
                    median(health),
                    median(commits),
                    median(local) / floor));
            say(String.format(
                    Locale.ROOT,
                    "hand-off to a waiter of another replica           %6.2f ms median, %.2f p95, %.2f max; ratio %.1f",
                    median(across),
                    p95(across),
                    Collections.max(across),
                    median(across) / floor));
        }
    }

    private record Heard(Acquired run, long at) {}

    /** Runs that wait, one behind the other, each released as soon as it has heard that it is granted. */
    private static List<Double> handOffs(
            Connection connection, Service releases, Service waits, String environment, int count) throws Exception {
        List<Double> latencies = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Acquired holder = waits.acquire(environment);
            List<Future<Heard>> queue = new ArrayList<>();
            for (int i = 0; i < count + WAITERS; i++) {
                if (i >= WAITERS) {
                    awaitParked(connection);
                    long sent = System.nanoTime();
                    Acquired released = holder;
                    Future<?> release = threads.submit(() -> {
                        releases.release(released);
                        return released;
                    });
                    Heard next = queue.get(i - WAITERS).get();
                    latencies.add((next.at() - sent) / 1e6);
                    release.get();
                    holder = next.run();
                }
                Acquired run = waits.acquire(environment);
                queue.add(threads.submit(() -> {
                    waits.awaitGrant(run);
                    return new Heard(run, System.nanoTime());
                }));
            }
            for (Future<Heard> rest : queue.subList(count, queue.size())) {
                releases.release(holder);
                holder = rest.get().run();
            }
            releases.release(holder);
        }
        return latencies;
    }

    /** Returns when every queued run has been asked for, so that no call is just on its way into the waiting room. */
    private static void awaitParked(Connection connection) throws Exception {
        try (Statement statement = connection.createStatement()) {
            boolean parked = false;
            while (!parked) {
                LockSupport.parkNanos(500_000);
                try (ResultSet rows = statement.executeQuery(
                        "SELECT NOT EXISTS (SELECT FROM run WHERE status = 'queued' AND last_contact_at = created_at)")) {
                    rows.next();
                    parked = rows.getBoolean(1);
                }
            }
        }
    }

    /** Something to measure. */
    interface Step {
        void run() throws Exception;
    }

    private static Step twoCommits(Connection connection) throws Exception {
        try (Statement statement = connection.createStatement()) {
            statement.execute("CREATE TABLE floor (number bigint)");
            statement.execute("INSERT INTO floor VALUES (0)");
        }
        return () -> {
            try (Statement statement = connection.createStatement()) {
                statement.execute("UPDATE floor SET number = number + 1");
                statement.execute("UPDATE floor SET number = number + 1");
            }
        };
    }

    static List<Double> times(int count, Step step) throws Exception {
        List<Double> times = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            long start = System.nanoTime();
            step.run();
            times.add((System.nanoTime() - start) / 1e6);
        }
        return times;
    }

    private void throughput() throws Exception {
        try (Service service = Service.start(directory.resolve("throughput"), database());
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            cycles(service, threads, WARM_UP);
            double cycles = cycles(service, threads, CALLS);
            List<Future<Integer>> floors = new ArrayList<>();
            long start = System.nanoTime();
            for (int client = 0; client < CLIENTS; client++) {
                int number = client;
                floors.add(threads.submit(() -> commits(number)));
            }
            for (Future<Integer> floor : floors) {
                floor.get();
            }
            double commits = CLIENTS * CALLS * 2 / seconds(start);
            say(String.format(
                    Locale.ROOT,
                    "throughput, %d clients on %d environments          %6.0f acquire and release cycles a second",
                    CLIENTS,
                    CLIENTS,
                    cycles));
            say(String.format(
                    Locale.ROOT,
                    "  floor: pairs of bare commits                      %6.0f a second; ratio %.1f",
                    commits / 2,
                    commits / 2 / cycles));
        }
    }

    private static double cycles(Service service, ExecutorService threads, int each) throws Exception {
        List<Future<Integer>> clients = new ArrayList<>();
        long start = System.nanoTime();
        for (int client = 0; client < CLIENTS; client++) {
            String environment = "client-" + client;
            clients.add(threads.submit(() -> {
                for (int i = 0; i < each; i++) {
                    service.release(service.acquire(environment));
                }
                return each;
            }));
        }
        for (Future<Integer> client : clients) {
            client.get();
        }
        return CLIENTS * each / seconds(start);
    }

    private int commits(int client) throws Exception {
        try (Connection connection =
                        DriverManager.getConnection(postgres.jdbcUrl(), postgres.username(), postgres.password());
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE TABLE floor_" + client + " AS SELECT 0 AS number");
            for (int i = 0; i < CALLS * 2; i++) {
                statement.execute("UPDATE floor_" + client + " SET number = number + 1");
            }
        }
        return client;
    }

    private Map<String, String> database() {
        return database(0);
    }

    private Map<String, String> database(int port) {
        String url = port == 0 ? postgres.jdbcUrl() : postgres.jdbcUrl().replaceFirst(":\\d+/", ":" + port + "/");
        return Map.of(
                "LOCKKEEPER_DATABASE_URL", url,
                "LOCKKEEPER_DATABASE_USER", postgres.username(),
                "LOCKKEEPER_DATABASE_PASSWORD", postgres.password());
    }

    static double seconds(long since) {
        return (System.nanoTime() - since) / 1e9;
    }

    private static double millis(Duration duration) {
        return duration.toNanos() / 1e6;
    }

    static double median(List<Double> values) {
        return percentile(values, 50);
    }

    private static double p95(List<Double> values) {
        return percentile(values, 95);
    }

    private static double percentile(List<Double> values, int percent) {
        List<Double> sorted = values.stream().sorted().toList();
        return sorted.get(Math.min(sorted.size() - 1, sorted.size() * percent / 100));
    }

    static void say(String line) {
        System.out.println(line);
    }
}
