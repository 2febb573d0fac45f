package io.lockkeeper.web;

import io.lockkeeper.coordination.EnvironmentReader;
import io.lockkeeper.environment.DeclaredEnvironments;
import io.lockkeeper.environment.DefaultEnvironment;
import io.lockkeeper.environment.EnvironmentName;
import java.util.Comparator;
import java.util.List;
import org.apache.commons.text.similarity.LevenshteinDistance;
import org.springframework.stereotype.Component;

/** Refuses to answer about environments that no run has named yet; the configured default one is there from the start. */
@Component
public final class KnownEnvironments {
    private final DefaultEnvironment defaultEnvironment;
    private final DeclaredEnvironments declared;
    private final EnvironmentReader environments;

    KnownEnvironments(
            DefaultEnvironment defaultEnvironment, DeclaredEnvironments declared, EnvironmentReader environments) {
        this.declared = declared;
        this.environments = environments;
        this.defaultEnvironment = defaultEnvironment;
    }

    /** What somebody is told who names environments that do not exist. */
    public ProblemException unknown(List<EnvironmentName> unknown) {
        List<String> known = environments.list().stream()
                .map(environment -> environment.name().value())
                .toList();
        String name = unknown.getFirst().value();
        List<String> similar = similar(name, known);
        String meant = similar.isEmpty() ? "" : " Did you mean " + String.join(" or ", similar) + "?";
        return Problem.of(
                        ProblemType.ENVIRONMENT_UNKNOWN,
                        declared.areCreatedByAcquire()
                                ? "No run has named an environment " + name + " yet." + meant
                                        + " Check the spelling; the first acquire makes it."
                                : "There is no environment " + name + "." + meant
                                        + " Acquiring does not make environments here; an admin declares one with PUT /api/admin/environments/"
                                        + name + ".")
                .with("environment", name)
                .with("similar", similar)
                .asException();
    }

    /** The known names that a slip of the fingers may have meant, the closest first. */
    static List<String> similar(String name, List<String> known) {
        var distance = LevenshteinDistance.getDefaultInstance();
        int most = Math.max(2, name.length() / 3);
        return known.stream()
                .filter(other ->
                        distance.apply(name, other) <= most || other.startsWith(name) || name.startsWith(other))
                .sorted(Comparator.comparing((String other) -> distance.apply(name, other))
                        .thenComparing(Comparator.naturalOrder()))
                .limit(3)
                .toList();
    }

    /**
     * Passes only for the default environment.
     *
     * @param environment known not to be in the database
     */
    public void requireDefault(EnvironmentName environment) {
        if (!defaultEnvironment.name().equals(environment)) {
            throw unknown(List.of(environment));
        }
    }
}
