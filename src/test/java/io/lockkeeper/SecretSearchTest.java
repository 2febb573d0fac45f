package io.lockkeeper;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SecretSearchTest {

    private static final String API_TOKEN = "lkt_" + "aB3_-".repeat(9).substring(0, 43);
    private static final byte[] MAC = new byte[32];
    private static final String LOCK_TOKEN =
            "42." + Base64.getUrlEncoder().withoutPadding().encodeToString(MAC);
    private static final String ID_TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL2NpIn0.c2lnbmVk";

    private final SecretSearch search = new SecretSearch(Set.of("hush-p4ssw0rd+of/the=database"), Set.of(digest(MAC)));

    private static String digest(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void secrets_are_found_wherever_they_stand() {
        for (var secret : List.of(API_TOKEN, LOCK_TOKEN, ID_TOKEN, "hush-p4ssw0rd+of/the=database")) {
            for (var line : List.of("%s", "token=%s, by ann", "{\"token\":\"%s\"}", "Bearer %s.", "?token=%s&x")) {
                assertThat(search.findIn(line.formatted(secret)))
                        .as(line)
                        .isNotEmpty()
                        .noneMatch(found -> found.contains(secret));
            }
        }
    }

    @Test
    void encoded_secrets_are_found() {
        for (var secret : List.of(API_TOKEN, LOCK_TOKEN, "hush-p4ssw0rd+of/the=database")) {
            var bytes = secret.getBytes(StandardCharsets.US_ASCII);
            assertThat(search.findIn("x " + Base64.getEncoder().encodeToString(bytes)))
                    .as(secret)
                    .isNotEmpty();
            assertThat(search.findIn("x " + HexFormat.of().formatHex(bytes)))
                    .as(secret)
                    .isNotEmpty();
        }
        assertThat(search.findIn("Basic "
                        + Base64.getEncoder()
                                .encodeToString(("user:" + API_TOKEN).getBytes(StandardCharsets.US_ASCII))))
                .isNotEmpty();
    }

    @Test
    void secret_part_of_a_lock_token_is_known_by_the_stored_digest() {
        var row = "run (42,\\x" + digest(MAC) + ",granted)";
        assertThat(SecretSearch.digestsIn(row)).containsExactly(digest(MAC));
        assertThat(search.findIn(row)).isEmpty();
        assertThat(search.findIn("mac=" + LOCK_TOKEN.substring(3) + ";")).hasSize(1);
        assertThat(search.findIn("mac=" + HexFormat.of().formatHex(MAC) + ";")).hasSize(1);
        assertThat(search.findIn("mac=" + "B".repeat(42) + "A;")).isEmpty();
    }

    @Test
    void hashes_ids_and_names_are_no_secrets() {
        assertThat(search.findIn(
                        "sha=" + "a".repeat(40) + " digest=" + digest(new byte[] {1}) + " took 0.123 s, lkt_short, "
                                + "org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping"))
                .isEmpty();
    }
}
