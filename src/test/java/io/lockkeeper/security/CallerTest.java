package io.lockkeeper.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a role and environment patterns allow together. */
class CallerTest {

    @ParameterizedTest
    @CsvSource({
        "staging, staging, true",
        "staging, staging-2, false",
        "staging, pre-staging, false",
        "*, production, true",
        "shop-*, shop-web, true",
        "shop-*, shop-, true",
        "shop-*, shop, false",
        "shop-*, workshop-web, false",
        "*-web, shop-web, true",
        "*-web, shop-web-2, false",
        "*web, web, true",
        "shop-*-eu, shop-web-eu, true",
        "shop-*-eu, shop-eu, false",
        "shop-*-eu, shop-web-eu-eu, true",
        "*a*b, aab, true",
        "*a*b, aba, false",
        "a**b, ab, true",
        "v1.2, v1x2, false",
        "v1.*, v1.2, true",
    })
    void a_star_stands_for_any_characters_and_nothing_else_is_special(
            String pattern, String environment, boolean matches) {
        assertThat(new EnvironmentPattern(pattern).matches(environment)).isEqualTo(matches);
    }

    @Test
    void a_pattern_of_many_stars_takes_no_time() {
        var pattern = new EnvironmentPattern("*a".repeat(31) + "*b");
        Assertions.assertTimeoutPreemptively(
                Duration.ofSeconds(5),
                () -> assertThat(pattern.matches("a".repeat(64))).isFalse());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "Staging", "-web", "web-", ".", "shop/*", "?", "a,b", "[ab]", "staging\n"})
    void what_could_not_match_a_name_is_no_pattern(String text) {
        assertThatIllegalArgumentException().isThrownBy(() -> new EnvironmentPattern(text));
    }

    @Test
    void a_pattern_is_as_long_as_a_name_may_be() {
        assertThat(new EnvironmentPattern("a".repeat(64)).matches("a".repeat(64)))
                .isTrue();
        assertThatIllegalArgumentException().isThrownBy(() -> new EnvironmentPattern("a".repeat(65)));
    }

    @Test
    void a_role_counts_in_the_environments_of_its_token_only() {
        var caller = caller(Role.DEPLOY, "staging", "shop-*");
        assertThat(caller.may(Role.DEPLOY, "staging")).isTrue();
        assertThat(caller.may(Role.VIEW, "shop-web")).isTrue();
        assertThat(caller.may(Role.ADMIN, "staging")).isFalse();
        assertThat(caller.may(Role.VIEW, "production")).isFalse();
    }

    @Test
    void what_belongs_to_no_environment_takes_the_role_alone() {
        assertThat(caller(Role.ADMIN, "staging").may(Role.ADMIN, null)).isTrue();
        assertThat(caller(Role.DEPLOY, "*").may(Role.ADMIN, null)).isFalse();
    }

    @Test
    void what_touches_every_environment_takes_a_pattern_for_all() {
        assertThat(caller(Role.ADMIN, "staging", "**").mayEverywhere(Role.ADMIN))
                .isTrue();
        assertThat(caller(Role.ADMIN, "*a", "b*").mayEverywhere(Role.ADMIN)).isFalse();
        assertThat(caller(Role.VIEW, "*").mayEverywhere(Role.DEPLOY)).isFalse();
    }

    private static Caller caller(Role role, String... patterns) {
        return new Caller(
                "ci",
                role,
                List.of(patterns).stream().map(EnvironmentPattern::new).toList());
    }
}
