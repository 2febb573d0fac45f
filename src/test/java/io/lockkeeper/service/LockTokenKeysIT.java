package io.lockkeeper.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.ServiceProcess;
import io.lockkeeper.TestDatabase;
import io.lockkeeper.service.Api.Answer;
import org.junit.jupiter.api.Test;

/** The key of lock tokens is changed as docs/security.md says, one replica after the other. */
class LockTokenKeysIT {

    private static final String NEW_KEY = "new-key-of-lock-tokens-0123456789abcdef";

    @Test
    void invariant_8_repeated_request_gets_the_same_lock_token_at_every_moment_of_a_rotation() {
        TestDatabase database = TestDatabase.migrated();
        Answer atDefault;
        Answer atOld;
        Answer atNew;
        // Step 1 has added the new key for showing: one replica has it, one is as it was.
        try (ServiceProcess before = ServiceProcess.startOn(database);
                ServiceProcess added = ServiceProcess.startOn(database, keys("admin-token", NEW_KEY))) {
            atDefault = acquire(before, "default");
            atOld = acquire(added, "old");
            assertThat(acquire(added, "default").lockToken()).isEqualTo(atDefault.lockToken());
            assertThat(acquire(before, "old").lockToken()).isEqualTo(atOld.lockToken());

            // Step 2 makes tokens with it: one replica does, one does not yet.
            before.stop();
            try (ServiceProcess swapped = ServiceProcess.startOn(database, keys(NEW_KEY, "admin-token"))) {
                atNew = acquire(swapped, "new");
                assertThat(acquire(swapped, "old").lockToken()).isEqualTo(atOld.lockToken());
                assertThat(acquire(added, "new").lockToken()).isEqualTo(atNew.lockToken());
            }
        }

        // Step 3 has removed the old key, and the admin token may change as well.
        try (ServiceProcess after = ServiceProcess.startOn(
                database, keys(NEW_KEY), "--lockkeeper.admin-token=another-admin-token-of-this-service")) {
            Api api = new Api(after.url(), "another-admin-token-of-this-service");
            assertThat(acquire(api, "new").lockToken()).isEqualTo(atNew.lockToken());
            Answer refused = acquire(api, "old");
            assertThat(refused.status()).isEqualTo(409);
            assertThat(refused.code()).isEqualTo("lock-token-unavailable");
            // Whoever has it is not cut off.
            assertThat(api.heartbeat(atDefault).status()).isEqualTo(200);
            assertThat(api.release(atOld).status()).isEqualTo(200);
        }
    }

    private static String keys(String... keys) {
        return "--lockkeeper.lock-token-keys=" + String.join(",", keys);
    }

    /** In an environment of its own, so that each is granted. */
    private static Answer acquire(ServiceProcess service, String key) {
        return acquire(new Api(service.url(), service.adminToken()), key);
    }

    private static Answer acquire(Api api, String key) {
        return api.call("POST", "/api/environments/" + key + "/acquire", "{}", "Idempotency-Key", key);
    }
}
