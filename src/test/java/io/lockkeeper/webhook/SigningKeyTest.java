package io.lockkeeper.webhook;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Signatures as Standard Webhooks computes them. */
class SigningKeyTest {

    @Test
    void signature_is_the_one_that_others_compute() {
        // The vector by which libraries of Standard Webhooks test themselves; docs/webhooks.md computes ours with
        // openssl.
        SigningKey key =
                SigningKey.parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").orElseThrow();

        assertThat(key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, "{\"test\": 2432232314}"))
                .isEqualTo("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    @Test
    void body_is_signed_as_its_bytes_are_sent() {
        SigningKey key =
                SigningKey.parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").orElseThrow();

        // printf '771-42.1763723445.{"text":"Gr\303\274\303\237e"}' | openssl dgst -sha256 -mac HMAC \
        //   -macopt hexkey:31f290f6bf06298aab4f08d43c3f082cf648a362da2da4b0 -binary | openssl base64
        assertThat(key.sign("771-42", 1763723445, "{\"text\":\"Grüße\"}"))
                .isEqualTo("v1,4c6dwvHpCI3uvircoGtymDhyPeFP08/ks3rgxYAEd/g=");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "whsec_",
                "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                "whsec_c2hvcnQ=",
                "whsec_not base64 at all, and long enough",
                "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
            })
    void what_is_no_secret_is_none(String text) {
        assertThat(SigningKey.parse(text)).isEmpty();
    }
}
