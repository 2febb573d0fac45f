package io.lockkeeper.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.lockkeeper.database.StartupRefused;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

class LockTokensTest {

    private static final UUID NONCE = UUID.fromString("00112233-4455-6677-8899-aabbccddeeff");

    private static final String OLD_KEY = "old-key-of-lock-tokens-0123456789";
    private static final String NEW_KEY = "new-key-of-lock-tokens-0123456789";

    private final LockTokens tokens = tokens(LockTokenKeys.OF_ADMIN_TOKEN);

    private static LockTokens tokens(String... keys) {
        return new LockTokens(LockTokenKeys.read(List.of(keys), new AdminToken("an-admin-token-0")));
    }

    private static String show(LockTokens tokens, LockTokens.Minted minted) {
        return tokens.token(42, minted.nonce(), minted.digest()).orElse("unavailable");
    }

    @Test
    void a_presented_token_has_the_digest_that_was_stored() {
        var minted = tokens.mint();
        var presented = LockTokens.parse(show(tokens, minted)).orElseThrow();
        assertThat(presented.runId()).isEqualTo(42);
        assertThat(presented.digest()).isEqualTo(minted.digest()).hasSize(32);
    }

    @Test
    void the_same_nonce_gives_the_same_token_after_a_restart() {
        // Computed independently of this code (RFC 5869, RFC 2104). Clients keep tokens across an upgrade: it may never
        // change.
        var token = "42.A_c0N_sVL5qs4t6Ql0hk9Y65zsNXiH7AGGaerj6bCTo";
        var digest = LockTokens.parse(token).orElseThrow().digest();
        assertThat(tokens.token(42, NONCE, digest)).hasValue(token);
    }

    @Test
    void invariant_8_token_of_an_older_key_is_shown_again_and_new_ones_are_made_with_the_first() {
        var made = tokens(OLD_KEY).mint();
        var rotated = tokens(NEW_KEY, OLD_KEY);
        assertThat(show(rotated, made)).isEqualTo(show(tokens(OLD_KEY), made)).isNotEqualTo("unavailable");
        assertThat(show(tokens(NEW_KEY), rotated.mint())).isNotEqualTo("unavailable");
    }

    @Test
    void invariant_8_token_of_a_removed_key_is_not_shown_rather_than_a_wrong_one() {
        var made = tokens(OLD_KEY).mint();
        assertThat(show(tokens(NEW_KEY), made)).isEqualTo("unavailable");
        assertThat(show(tokens, made)).isEqualTo("unavailable");
    }

    @Test
    void the_key_of_the_admin_token_is_one_like_any_other() {
        var made = tokens.mint();
        assertThat(show(tokens(NEW_KEY, LockTokenKeys.OF_ADMIN_TOKEN), made)).isEqualTo(show(tokens, made));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            emptyValue = "",
            value = {
                "''|must name 1 to 4 keys, and names 0.",
                "k1-of-32-characters-0123456789abc,k2-of-32-characters-0123456789abc,k3-of-32-characters-0123456789abc,"
                        + "k4-of-32-characters-0123456789abc,k5-of-32-characters-0123456789abc|must name 1 to 4 keys, and names 5.",
                "k1-of-32-characters-0123456789abc,k1-of-32-characters-0123456789abc|names a key twice.",
                "thirty-one-characters-01234567x|unusable key at place 1",
                "admin-token,|unusable key at place 2",
                "admin-token,thirty-two characters with spaces|unusable key at place 2",
                "thirty-two-characters-and-an-umlaut-ü|unusable key at place 1"
            })
    void setting_that_makes_no_sense_stops_the_start_and_is_not_repeated(String setting, String complaint) {
        var keys = setting.isEmpty() ? List.<String>of() : List.of(setting.split(",", -1));
        assertThatExceptionOfType(StartupRefused.class)
                .isThrownBy(() -> tokens(keys.toArray(String[]::new)))
                .withMessageContaining("LOCKKEEPER_LOCK_TOKEN_KEYS (property lockkeeper.lock-token-keys) ")
                .withMessageContaining(complaint)
                .withMessageContaining("docs/security.md")
                .satisfies(refused -> assertThat(keys.stream().filter(key -> key.length() > 15))
                        .noneMatch(refused.toString()::contains));
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
