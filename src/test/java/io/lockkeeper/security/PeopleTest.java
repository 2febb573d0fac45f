package io.lockkeeper.security;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What a session keeps of a person, and what the configuration makes of it later. */
class PeopleTest {

    private static final Instant NOW = Instant.parse("2026-11-21T12:00:00Z");
    private static final Map<String, Object> ALICE = Map.of(
            "sub", "4711", "preferred_username", "alice", "groups", List.of("a", "team/web", "team/db"), "phone", "1");

    private static People people(String issuer, String nameClaim, OidcRule... rules) {
        var provider = new IdentityProvider(issuer, "page", "secret", List.of("openid"), Duration.ofMinutes(1));
        return new People(provider, "Accounts", nameClaim, List.of(rules));
    }

    private static OidcRule rule(String claim, String pattern, Role role) {
        return new OidcRule(Map.of(claim, pattern), role, List.of(new EnvironmentPattern("*")));
    }

    private final People people = people("https://id.example", "sub", rule("groups", "team/*", Role.DEPLOY));
    private final SessionKey.OfPerson alice = people.person(ALICE, NOW);

    @Test
    void of_what_the_provider_says_only_what_a_rule_looks_at_is_kept() {
        assertThat(alice)
                .isEqualTo(new SessionKey.OfPerson(
                        "https://id.example",
                        "sub",
                        "person:id.example:4711",
                        Map.of("groups", List.of("team/web")),
                        NOW));
    }

    @Test
    void a_changed_rule_counts_for_whoever_is_logged_in() {
        assertThat(people.caller(alice))
                .hasValueSatisfying(caller -> assertThat(caller.role()).isEqualTo(Role.DEPLOY));
        assertThat(people("https://id.example", "sub", rule("groups", "team/web", Role.VIEW))
                        .caller(alice))
                .hasValueSatisfying(caller -> assertThat(caller.role()).isEqualTo(Role.VIEW));
        assertThat(people("https://id.example", "sub", rule("groups", "admins", Role.VIEW))
                        .caller(alice))
                .isEmpty();
    }

    @Test
    void another_provider_or_another_claim_for_names_ends_all_sessions() {
        var rule = rule("groups", "team/*", Role.DEPLOY);
        assertThat(people("https://other.example", "sub", rule).caller(alice)).isEmpty();
        assertThat(people("https://id.example", "preferred_username", rule).caller(alice))
                .isEmpty();
    }

    @Test
    void a_claim_whose_name_reads_alike_and_does_not_fit_refuses_after_the_log_in_as_before() {
        var doubtful = Map.<String, Object>of("sub", "1", "groups", "team/web", "Groups", "guests");
        assertThat(people.caller(people.person(doubtful, NOW))).isEmpty();
    }
}
