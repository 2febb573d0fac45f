package io.lockkeeper.web;

import io.lockkeeper.coordination.AcquireRequest;
import io.lockkeeper.coordination.Coverage;
import io.lockkeeper.coordination.LockProof;
import io.lockkeeper.coordination.LockTokenSeal;
import io.lockkeeper.coordination.Mode;
import io.lockkeeper.coordination.Priority;
import io.lockkeeper.coordination.Report;
import io.lockkeeper.coordination.Run;
import io.lockkeeper.coordination.RunDetails;
import io.lockkeeper.coordination.RunId;
import io.lockkeeper.coordination.Sha256;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.security.Caller;
import io.lockkeeper.security.LockTokens;
import io.lockkeeper.security.Role;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import tools.jackson.databind.json.JsonMapper;

/** Turns what came over the wire, checked already, into what the coordinator takes. */
@Component
final class Requests {
    static final String LOCK_TOKEN = "Lock-Token";

    private final LockTokens lockTokens;
    private final JsonMapper json;

    Requests(LockTokens lockTokens, JsonMapper json) {
        this.lockTokens = lockTokens;
        this.json = json;
    }

    AcquireRequest acquire(Caller caller, List<String> environments, @Nullable String key, AcquireBody said) {
        // Filled before it is digested: another commit is another request, though its pipeline says the same under the
        // same key.
        AcquireBody body = TrustedFields.fill(said, caller.trusted());
        LockTokens.Minted minted = lockTokens.mint();
        return new AcquireRequest(
                environments.stream().map(EnvironmentName::new).toList(),
                body.mode() == AcquireBody.Mode.FAIL_FAST ? Mode.FAIL_FAST : Mode.WAIT,
                seconds(body.queueTimeoutSeconds()),
                seconds(body.leaseSeconds()),
                body.batch() == null || body.batch(),
                body.coverage() == AcquireBody.Coverage.LATEST ? Coverage.LATEST : Coverage.PINNED,
                body.priority() == AcquireBody.Priority.HIGH ? Priority.HIGH : Priority.NORMAL,
                mayPassFreezes(caller, body),
                new RunDetails(
                        body.sha(),
                        body.ref(),
                        body.repository(),
                        body.title(),
                        body.tier(),
                        body.reason(),
                        body.user(),
                        body.hostname(),
                        body.pid(),
                        body.command(),
                        body.source(),
                        body.runUrl(),
                        TrustedFields.of(caller.trusted())),
                caller.name(),
                key,
                Sha256.of(String.join(",", environments) + "\n" + json.writeValueAsString(body)),
                new LockTokenSeal(minted.nonce(), Sha256.of(minted.digest())));
    }

    /** High priority passes a freeze when an admin asks for it and says why (design, section 11). */
    private static boolean mayPassFreezes(Caller caller, AcquireBody body) {
        return body.priority() == AcquireBody.Priority.HIGH
                && caller.role() == Role.ADMIN
                && body.reason() != null
                && !body.reason().isBlank();
    }

    /** A request as queue-check means it: it is planned and never carried out. */
    AcquireRequest check(
            Caller caller,
            String environment,
            @Nullable String repository,
            @Nullable String ref,
            @Nullable String priority) {
        AcquireBody.Priority wanted = switch (priority) {
            case null -> null;
            case "normal" -> AcquireBody.Priority.NORMAL;
            case "high" -> AcquireBody.Priority.HIGH;
            default ->
                throw Problem.invalidField("priority", "priority must be normal or high.")
                        .asException();
        };
        AcquireBody body = new AcquireBody(
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                wanted,
                null,
                ref,
                repository,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null);
        return acquire(caller, List.of(environment), null, body);
    }

    /**
     * The lock token of a run, made again from what is stored.
     *
     * @throws ProblemException if the key that it was made with is none of this service's: the token cannot be shown again
     */
    String lockToken(Run run) {
        LockTokenSeal seal = run.seal();
        return lockTokens
                .token(run.id().value(), seal.nonce(), seal.digest().bytes())
                .orElseThrow(() -> Problem.of(
                                ProblemType.LOCK_TOKEN_UNAVAILABLE,
                                "The lock token of run " + run.id()
                                        + " was made with a key that this service does not have, so it cannot be shown again."
                                        + " Go on with the token of the first answer, or cancel the run as an admin and acquire"
                                        + " with another Idempotency-Key.")
                        .with("run_id", run.id().value())
                        .asException());
    }

    static Report report(ReleaseBody body) {
        Report.Result result = body.status() == null
                ? Report.Result.SUCCESS
                : switch (body.status()) {
                    case SUCCESS -> Report.Result.SUCCESS;
                    case FAILURE -> Report.Result.FAILURE;
                    case CANCELLED -> Report.Result.CANCELLED;
                };
        return new Report(result, body.deployedSha());
    }

    /** The lock token of the header; a missing or malformed one is refused like a wrong one. */
    static LockProof proof(@Nullable String header) {
        return LockTokens.parse(header)
                .map(presented -> new LockProof(new RunId(presented.runId()), Sha256.of(presented.digest())))
                .orElseThrow(() -> header == null ? RunProblems.proofMissing() : RunProblems.proofMalformed());
    }

    static LockProof proof(@Nullable String header, RunId run) {
        LockProof proof = proof(header);
        if (!proof.run().equals(run)) {
            throw RunProblems.proofInvalid(run);
        }
        return proof;
    }

    /** For what the rules of access leave to a controller: the environments of a body, a parameter or a run. */
    static void require(Caller caller, Role role, String environment) {
        if (!caller.may(role, environment)) {
            throw SecurityProblems.forbidden(caller.name(), role, environment).asException();
        }
    }

    private static @Nullable Duration seconds(@Nullable Integer value) {
        return value == null ? null : Duration.ofSeconds(value);
    }
}
