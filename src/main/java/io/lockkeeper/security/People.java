package io.lockkeeper.security;

import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.springframework.security.authentication.BadCredentialsException;

/** Who may log in to the page through an identity provider, and what they may then. */
final class People {

    /** What a person's name begins with. No issuer of pipelines' ID tokens begins so, whatever their subjects or people call themselves. */
    private static final String PREFIX = "person:";

    private final IdentityProvider provider;
    private final String providerName;
    private final String nameClaim;
    private final List<OidcRule> rules;

    /**
     * @param providerName for the button
     * @param nameClaim the claim that a person is named by
     */
    People(IdentityProvider provider, String providerName, String nameClaim, List<OidcRule> rules) {
        this.provider = provider;
        this.providerName = providerName;
        this.nameClaim = nameClaim;
        this.rules = List.copyOf(rules);
    }

    IdentityProvider provider() {
        return provider;
    }

    String providerName() {
        return providerName;
    }

    /**
     * Who has just logged in.
     *
     * @param claims all that the provider says about the person
     * @throws BadCredentialsException if it does not say a name
     */
    SessionKey.OfPerson person(Map<String, Object> claims, Instant now) {
        var believed = new LinkedHashMap<>(claims);
        // An address that somebody has typed in and not proven is not theirs. Providers that only have proven ones tend
        // to be silent.
        if (claims.containsKey("email_verified") && !"true".equals(OidcRule.text(claims.get("email_verified")))) {
            believed.remove("email");
        }
        var name = OidcRule.text(believed.get(nameClaim));
        if (name == null || !OidcIssuer.isName(name)) {
            throw new BadCredentialsException("The identity provider does not name the person in the claim " + nameClaim
                    + " in printable characters");
        }
        return new SessionKey.OfPerson(
                provider.issuer(),
                nameClaim,
                PREFIX + OidcIssuer.place(provider.issuer()) + ":" + name,
                kept(believed),
                now);
    }

    /**
     * What the rules look at, and no more: of each claim that they name, one value for each pattern that fits. Nobody's whole list of groups
     * gets into the database, and the rules decide by this as they do by all.
     */
    private Map<String, List<String>> kept(Map<String, Object> claims) {
        var kept = new LinkedHashMap<String, List<String>>();
        claims.forEach((claim, value) -> {
            var patterns = rules.stream()
                    .flatMap(rule -> rule.claims().entrySet().stream())
                    .filter(wanted -> OidcRule.reading(wanted.getKey()).equals(OidcRule.reading(claim)))
                    .map(Map.Entry::getValue)
                    .distinct()
                    .toList();
            if (!patterns.isEmpty()) {
                // Also without a value: a second claim of the same reading that does not fit is to refuse then as well.
                kept.put(
                        claim,
                        new ArrayList<>(patterns.stream()
                                .flatMap(pattern -> OidcRule.texts(value)
                                        .filter(text -> Wildcard.matches(pattern, text))
                                        .limit(1))
                                .distinct()
                                .toList()));
            }
        });
        return kept;
    }

    /** What the configuration, as it is now, lets this person do; empty: nothing. */
    Optional<Caller> caller(SessionKey.OfPerson person) {
        return Stream.of(person)
                .filter(_ -> person.issuer().equals(provider.issuer())
                        && person.nameClaim().equals(nameClaim))
                .flatMap(_ -> rules.stream())
                .filter(rule -> rule.matches(Map.copyOf(person.claims())))
                .findFirst()
                .map(rule -> new Caller(OidcIssuer.shortened(person.name()), rule.role(), rule.environments()));
    }
}
