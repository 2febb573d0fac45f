package io.lockkeeper.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whose ID token a rule is for. */
class OidcRuleTest {

    private static final Map<String, Object> TOKEN = Map.of(
            "repository",
            "shop/web",
            "ref",
            "refs/heads/main",
            "project_path",
            "shop/api",
            "ref_protected",
            true,
            "run_attempt",
            2L,
            "groups",
            List.of("deployers", "people"),
            "kubernetes.io",
            Map.of("namespace", "shop"));

    @ParameterizedTest
    @CsvSource({
        "repository, shop/web, true",
        "repository, shop/*, true",
        "repository, *, true",
        "repository, */web, true",
        "repository, s*p/w*b, true",
        "repository, shop/we, false",
        "repository, hop/web, false",
        "repository, shop/*x, false",
        "repository, shop/web*?, false",
        "repository, Shop/web, false",
        "repository, shop.web, false",
        "repository, 'shop/web ', false",
        "ref, refs/heads/*, true",
        "ref, refs/tags/*, false",
        "ref_protected, true, true",
        "ref_protected, false, false",
        "run_attempt, 2, true",
        "run_attempt, 1, false",
        "groups, deployers, true",
        "groups, people, true",
        "groups, admins, false",
        "kubernetes.io, *, false",
        "absent, *, false",
    })
    void claim_matches_its_whole_pattern_or_does_not(String claim, String pattern, boolean matches) {
        assertThat(rule(Map.of(claim, pattern)).matches(TOKEN)).isEqualTo(matches);
    }

    @Test
    void every_claim_of_a_rule_must_match() {
        assertThat(rule(Map.of("repository", "shop/*", "ref", "refs/heads/main"))
                        .matches(TOKEN))
                .isTrue();
        assertThat(rule(Map.of("repository", "shop/*", "ref", "refs/heads/dev")).matches(TOKEN))
                .isFalse();
        assertThat(rule(Map.of("repository", "shop/*", "absent", "*")).matches(TOKEN))
                .isFalse();
    }

    @ParameterizedTest
    @CsvSource({"project_path", "projectpath", "project.path", "PROJECT-PATH"})
    void claim_is_found_however_its_name_came_through_the_configuration(String spelling) {
        assertThat(rule(Map.of(spelling, "shop/api")).matches(TOKEN)).isTrue();
        assertThat(rule(Map.of(spelling, "shop/web")).matches(TOKEN)).isFalse();
    }

    @Test
    void two_claims_that_read_alike_must_both_match() {
        var token = Map.<String, Object>of("user_id", "7", "userid", "8");
        assertThat(rule(Map.of("user_id", "7")).matches(token)).isFalse();
        assertThat(rule(Map.of("user_id", "*")).matches(token)).isTrue();
    }

    @Test
    void rule_without_claims_is_none() {
        assertThatThrownBy(() -> rule(Map.of())).isInstanceOf(IllegalArgumentException.class);
    }

    private static OidcRule rule(Map<String, String> claims) {
        return new OidcRule(claims, Role.VIEW, EnvironmentPattern.EVERYWHERE);
    }
}
