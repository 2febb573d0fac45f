package io.lockkeeper.web;

import io.lockkeeper.coordination.TrustedField;
import io.lockkeeper.security.TrustedClaims;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Fills what a body says about a run from the caller's ID token, and refuses a body that says something else. */
final class TrustedFields {

    private TrustedFields() {}

    static AcquireBody fill(AcquireBody said, TrustedClaims trusted) {
        if (trusted.values().isEmpty()) {
            return said;
        }
        return said.with(
                value(TrustedField.SHA, said.sha(), trusted),
                value(TrustedField.REF, said.ref(), trusted),
                value(TrustedField.REPOSITORY, said.repository(), trusted),
                value(TrustedField.USER, said.user(), trusted),
                value(TrustedField.RUN_URL, said.runUrl(), trusted));
    }

    /** The fields that are filled so. */
    static Set<TrustedField> of(TrustedClaims trusted) {
        return trusted.values().entrySet().stream()
                .filter(claim -> !claim.getValue().isEmpty())
                .map(Map.Entry::getKey)
                .collect(Collectors.toSet());
    }

    private static @Nullable String value(TrustedField field, @Nullable String said, TrustedClaims trusted) {
        String claimed = trusted.values().get(field);
        if (claimed == null) {
            return said;
        }
        if (said != null && !said.isBlank() && !said.equals(claimed)) {
            throw Problem.of(
                            ProblemType.FORBIDDEN,
                            claimed.isEmpty()
                                    ? field.label()
                                            + " is for the ID token to say, which does not say it. Leave it out."
                                    : field.label() + " is " + claimed
                                            + " by the ID token, and the request says something else. Leave it out.")
                    .with("field", field.label())
                    .asException();
        }
        return claimed.isEmpty() ? null : claimed;
    }
}
