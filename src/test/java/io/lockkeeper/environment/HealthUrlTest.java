package io.lockkeeper.environment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which texts may be an environment's health URL. */
class HealthUrlTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://localhost",
                "http://10.0.0.7:8080/health?deep=1",
                "https://shop.example/healthz",
                "HTTPS://shop.example/",
                "http://[::1]:8080/",
                "http://shop.example:65535/%7Ehealth",
            })
    void http_address_with_a_host_is_valid(String url) {
        assertThat(HealthUrl.isValid(url)).isTrue();
        assertThat(new HealthUrl(url).uri()).hasToString(url);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "shop.example/health",
                "/health",
                "ftp://shop.example/",
                "file:///etc/passwd",
                "javascript:alert(1)",
                "http:///health",
                "http:shop.example",
                "http://:8080/",
                "http://shop.example:0/",
                "http://shop.example:65536/",
                "http://shop.example:eighty/",
                "http://alice@shop.example/",
                "http://alice:secret@shop.example/",
                "http://@shop.example/",
                "http://shop.example/#top",
                "http://shop.example/#",
                "http://shop.example/a b",
                "http://shop.example/a\r\nHost: other.example",
                "http://shop.example/gesundheitß",
            })
    void anything_else_is_not(String url) {
        assertThat(HealthUrl.isValid(url)).isFalse();
        assertThatThrownBy(() -> new HealthUrl(url))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("health_url " + HealthUrl.RULE);
    }

    @Test
    void length_is_bounded() {
        var longest = "http://shop.example/" + "a".repeat(HealthUrl.MAX_LENGTH - "http://shop.example/".length());

        assertThat(HealthUrl.isValid(longest)).isTrue();
        assertThat(HealthUrl.isValid(longest + "a")).isFalse();
    }
}
