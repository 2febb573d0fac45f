package io.lockkeeper.security;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.coordination.TrustedField;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the claims of a token say about a run. */
class TrustedClaimsTest {

    private static final Map<String, Object> TOKEN =
            Map.of("repository", "shop/web", "run_id", 41L, "empty", "", "list", List.of("a"));

    @Test
    void template_is_the_name_of_a_claim_or_a_text_with_names_in_braces() {
        assertThat(new ClaimTemplate("repository").fill(TOKEN)).isEqualTo("shop/web");
        assertThat(new ClaimTemplate("https://ci.example/{repository}/{run_id}").fill(TOKEN))
                .isEqualTo("https://ci.example/shop/web/41");
        assertThat(new ClaimTemplate("{repository}").fill(Map.of("repository", "$1\\{run_id}")))
                .isEqualTo("$1\\{run_id}");
    }

    @ParameterizedTest
    @ValueSource(strings = {"absent", "list", "{absent}", "{repository}/{absent}", "{empty}"})
    void template_without_its_claims_is_not_filled(String template) {
        assertThat(new ClaimTemplate(template).fill(TOKEN)).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "{", "}", "{}", "{a", "a}", "{a{b}}", "{{a}}"})
    void template_with_unmatched_braces_is_none(String template) {
        assertThat(ClaimTemplate.isValid(template)).isFalse();
    }

    @Test
    void what_the_token_does_not_say_stays_empty_and_what_it_is_not_asked_for_is_left_out() {
        assertThat(of(TrustedField.REF, "absent").values()).isEqualTo(Map.of(TrustedField.REF, ""));
        assertThat(of(TrustedField.REPOSITORY, "repository").values())
                .isEqualTo(Map.of(TrustedField.REPOSITORY, "shop/web"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"javascript:alert(1)", "//ci.example/1", "https:", "http://a b/", "shop/web"})
    void run_url_is_a_web_address_or_empty(String claim) {
        assertThat(values(TrustedField.RUN_URL, claim)).isEqualTo("");
        assertThat(values(TrustedField.RUN_URL, "https://ci.example/1")).isEqualTo("https://ci.example/1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"two\nlines", "bell\u0007", "\u2028", "bidi\u202e", " "})
    void field_is_one_line_of_text_or_empty(String claim) {
        assertThat(values(TrustedField.USER, claim)).isEqualTo("");
    }

    @Test
    void field_that_is_too_long_is_empty() {
        assertThat(values(TrustedField.SHA, "a".repeat(100))).hasSize(100);
        assertThat(values(TrustedField.SHA, "a".repeat(101))).isEqualTo("");
    }

    private static String values(TrustedField field, String claim) {
        return TrustedClaims.of(Map.of(field, new ClaimTemplate("claim")), Map.of("claim", claim))
                .values()
                .getOrDefault(field, "absent");
    }

    private static TrustedClaims of(TrustedField field, String template) {
        return TrustedClaims.of(Map.of(field, new ClaimTemplate(template)), TOKEN);
    }
}
