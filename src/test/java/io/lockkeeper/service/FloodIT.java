package io.lockkeeper.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.Alone;
import io.lockkeeper.ServiceProcess;
import io.lockkeeper.service.Api.Answer;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** One token floods; whoever holds a lock keeps it. */
@Alone
class FloodIT {
    private static final int FLOODING_THREADS = 40;
    /** With the release within what may be sent at once, however fast the machine is. */
    private static final int HEARTBEATS = 35;

    @Test
    void heartbeats_are_answered_while_another_token_or_their_own_floods() throws Exception {
        try (ServiceProcess service =
                ServiceProcess.start(ServiceProcess.QUIETLY, "--lockkeeper.limits.requests-per-second=20")) {
            Api admin = new Api(service.url(), service.adminToken());
            Api loud = bearer(service, admin, "loud");
            Api quiet = bearer(service, admin, "quiet");
            Answer loudHolder = loud.acquire("loud", "{}");
            Answer quietHolder = quiet.acquire("quiet", "{}");
            AtomicBoolean stop = new AtomicBoolean();
            AtomicInteger served = new AtomicInteger();
            AtomicInteger refused = new AtomicInteger();
            Queue<Integer> others = new ConcurrentLinkedQueue<>();
            List<Integer> quietBeats = new ArrayList<>();
            List<Integer> loudBeats = new ArrayList<>();
            try (ExecutorService threads = Executors.newFixedThreadPool(FLOODING_THREADS)) {
                List<Supplier<Answer>> flood = List.of(
                        () -> loud.acquire("flooded", "{\"batch\":false}"),
                        () -> loud.status("loud"),
                        () -> new Api(service.url(), "lkt_wrong-token-wrong-token").status("loud"));
                List<Future<?>> floods = new ArrayList<>();
                for (int i = 0; i < FLOODING_THREADS; i++) {
                    Supplier<Answer> one = flood.get(i % flood.size());
                    floods.add(threads.submit(() -> {
                        while (!stop.get()) {
                            int status = one.get().status();
                            switch (status) {
                                case 200, 202, 401 -> served.incrementAndGet();
                                case 429 -> refused.incrementAndGet();
                                default -> others.add(status);
                            }
                        }
                    }));
                }
                try {
                    Awaitility.await().until(() -> refused.get() > FLOODING_THREADS);
                    for (int i = 0; i < HEARTBEATS; i++) {
                        quietBeats.add(quiet.heartbeat(quietHolder).status());
                        if (i % 2 == 0) {
                            loudBeats.add(loud.heartbeat(loudHolder).status());
                        }
                    }
                    assertThat(quiet.release(quietHolder).status()).isEqualTo(200);
                    assertThat(loud.release(loudHolder).status()).isEqualTo(200);
                } finally {
                    stop.set(true);
                }
                for (Future<?> one : floods) {
                    one.get();
                }
            }

            assertThat(quietBeats).as("of the other token").hasSize(HEARTBEATS).containsOnly(200);
            assertThat(loudBeats).as("of the token that floods").containsOnly(200);
            assertThat(others).as("neither served nor told to come back").isEmpty();
            assertThat(refused.get())
                    .as("refused, beside %d that were served", served.get())
                    .isGreaterThan(served.get());
            assertThat(admin.integrity().text()).isEqualTo("{\"violations\":[]}");
        }
    }

    private static Api bearer(ServiceProcess service, Api admin, String name) {
        String token = admin.call("POST", "/api/admin/tokens", "{\"name\":\"" + name + "\",\"role\":\"deploy\"}")
                .json()
                .path("token")
                .asString();
        return new Api(service.url(), token);
    }
}
