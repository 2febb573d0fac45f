package io.lockkeeper.web;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.lockkeeper.coordination.Grant;
import io.lockkeeper.coordination.Run;
import io.lockkeeper.coordination.RunDetails;
import io.lockkeeper.coordination.TrustedField;
import io.lockkeeper.environment.EnvironmentName;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A run on the wire.
 *
 * @param environment the first of its environments
 * @param reason of an ended run, why it ended as it did; of a pending one, what its caller said
 * @param position in the queue, 1 is next; null unless it waits
 * @param supersededBy the newer run that took its place; absent unless its status is superseded
 * @param started when it was granted
 * @param trusted the fields that an ID token has vouched for; absent without any
 */
public record RunView(
        long id,
        String environment,
        List<String> environments,
        String status,
        @Nullable String reason,
        @Nullable Integer position,
        Instant created,
        @Nullable Instant started,
        @Nullable Instant completed,
        @Nullable Long batchedInto,
        @Nullable Boolean covered,
        @Nullable Long shippedBy,

        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Long supersededBy,

        String priority,
        String coverage,
        @Nullable String sha,
        @Nullable String ref,
        @Nullable String repository,
        @Nullable String title,
        @Nullable String tier,
        @Nullable String user,
        @Nullable String hostname,
        @Nullable Integer pid,
        @Nullable String command,
        @Nullable String source,
        @Nullable String runUrl,
        @JsonInclude(JsonInclude.Include.NON_EMPTY) List<String> trusted,
        @Nullable String deployedSha) {

    static RunView of(Run run, @Nullable Integer position) {
        List<String> environments = names(run.environments());
        RunDetails details = run.details();
        Grant grant = run.grant();
        var batch = run.batch();
        var shippedBy = batch == null ? null : batch.shippedBy();
        return new RunView(
                run.id().value(),
                environments.getFirst(),
                environments,
                run.status().label(),
                run.statusReason() == null ? details.reason() : run.statusReason(),
                position,
                run.createdAt(),
                grant == null ? null : grant.at(),
                run.completedAt(),
                batch == null ? null : batch.into().value(),
                batch == null ? null : batch.covered(),
                shippedBy == null ? null : shippedBy.value(),
                run.supersededBy() == null ? null : run.supersededBy().value(),
                run.priority().label(),
                run.coverage().label(),
                details.sha(),
                details.ref(),
                details.repository(),
                details.title(),
                details.tier(),
                details.user(),
                details.hostname(),
                details.pid(),
                details.command(),
                details.source(),
                details.runUrl(),
                details.trusted().stream().map(TrustedField::label).toList(),
                run.report() == null ? null : run.report().deployedSha());
    }

    static List<String> names(List<EnvironmentName> environments) {
        return environments.stream().map(EnvironmentName::value).toList();
    }
}
