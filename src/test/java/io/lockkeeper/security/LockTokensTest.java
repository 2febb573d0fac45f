package io.lockkeeper.security;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

class LockTokensTest {

    private static final UUID NONCE = UUID.fromString("00112233-4455-6677-8899-aabbccddeeff");

    private final LockTokens tokens = new LockTokens(new AdminToken("an-admin-token-0"));

    @Test
    void a_presented_token_has_the_digest_that_was_stored() {
        var minted = tokens.mint();
        var presented = LockTokens.parse(tokens.token(42, minted.nonce())).orElseThrow();
        assertThat(presented.runId()).isEqualTo(42);
        assertThat(presented.digest()).isEqualTo(minted.digest()).hasSize(32);
    }

    @Test
    void the_same_nonce_gives_the_same_token_after_a_restart() {
        var afterRestart = new LockTokens(new AdminToken("an-admin-token-0"));
        assertThat(afterRestart.token(42, NONCE)).isEqualTo(tokens.token(42, NONCE));
        // Computed independently of this code (RFC 5869, RFC 2104). Clients keep tokens across an upgrade: it may never
        // change.
        assertThat(tokens.token(42, NONCE)).isEqualTo("42.A_c0N_sVL5qs4t6Ql0hk9Y65zsNXiH7AGGaerj6bCTo");
    }

    @Test
    void invariant_8_another_admin_token_is_noticed_before_a_wrong_token_is_shown() {
        var rotated = new LockTokens(new AdminToken("an-admin-token-1"));
        assertThat(rotated.digest(NONCE)).isNotEqualTo(tokens.digest(NONCE));
    }

    @Test
    void another_admin_token_does_not_invalidate_what_was_handed_out() {
        var minted = tokens.mint();
        // Nothing but the stored digest is needed, and parsing has no key.
        assertThat(LockTokens.parse(tokens.token(1, minted.nonce()))
                        .orElseThrow()
                        .digest())
                .isEqualTo(minted.digest());
    }

    @Test
    void two_runs_have_different_tokens() {
        assertThat(tokens.mint().digest()).isNotEqualTo(tokens.mint().digest());
    }

    @ParameterizedTest
    @NullSource
    @ValueSource(
            strings = {
                "",
                "42",
                "42.",
                "42.short",
                ".AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                "0.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                "042.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                "-1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                "9999999999999999999.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                "42.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",
                "42.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA+",
                "42.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                "42.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                "\u0664\u0662.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
            })
    void what_cannot_be_a_lock_token_is_none(String header) {
        assertThat(LockTokens.parse(header)).isEmpty();
    }
}
