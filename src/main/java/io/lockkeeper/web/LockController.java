package io.lockkeeper.web;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.lockkeeper.coordination.AcquireRequest;
import io.lockkeeper.coordination.Coordinator;
import io.lockkeeper.coordination.FencingToken;
import io.lockkeeper.coordination.LockReader;
import io.lockkeeper.coordination.LockState;
import io.lockkeeper.coordination.QueueCheck;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.notify.LockWaiting;
import io.lockkeeper.notify.Patience;
import io.lockkeeper.security.Caller;
import io.lockkeeper.web.RunAnswer.HolderView;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import org.hibernate.validator.constraints.Range;
import org.jspecify.annotations.Nullable;
import org.springframework.http.CacheControl;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** What can be asked about an environment's lock and queue without a run. */
@RestController
@RequestMapping(produces = {MediaType.APPLICATION_JSON_VALUE, MediaType.TEXT_PLAIN_VALUE})
class LockController {
    private final LockWaiting waiting;
    private final LockReader locks;
    private final Coordinator coordinator;
    private final Requests requests;
    private final KnownEnvironments environments;

    LockController(
            LockWaiting waiting,
            LockReader locks,
            Coordinator coordinator,
            Requests requests,
            KnownEnvironments environments) {
        this.waiting = waiting;
        this.locks = locks;
        this.coordinator = coordinator;
        this.requests = requests;
        this.environments = environments;
    }

    /**
     * A lock on the wire.
     *
     * @param fencingToken of the newest grant, which may have ended; null before the first
     * @param valid only when the request named a fencing token: whether that very grant holds now
     */
    record LockAnswer(
            String environment,
            String lockGroup,
            boolean locked,
            @Nullable Long fencingToken,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            Boolean valid,

            @Nullable HolderView holder)
            implements PlainAnswer {

        static LockAnswer of(String environment, LockState lock, @Nullable Long asked) {
            FencingToken last = lock.lastFencingToken();
            FencingToken holding = lock.holderFencingToken();
            return new LockAnswer(
                    environment,
                    lock.group().name(),
                    lock.isHeld(),
                    last == null ? null : last.value(),
                    asked == null ? null : holding != null && holding.value() == asked,
                    lock.holder() == null ? null : HolderView.of(lock.holder()));
        }

        @Override
        public SequencedMap<String, ? extends @Nullable Object> plain() {
            SequencedMap<String, @Nullable Object> plain = new LinkedHashMap<>();
            plain.put("locked", locked);
            plain.put("fencing_token", fencingToken);
            plain.put("valid", valid);
            plain.put("blocked_by", holder == null ? null : Sentences.holder(holder));
            return plain;
        }
    }

    @GetMapping("/api/environments/{environment}/lock")
    ResponseEntity<LockAnswer> lock(
            Caller caller,
            @PathVariable @ValidEnvironment String environment,
            @RequestParam(name = "fencing_token", required = false)
                    @Range(min = 1, message = "must be a fencing token, a number above 0")
                    @Nullable
                    Long fencingToken,
            @RequestParam(name = "wait_seconds", defaultValue = "0")
                    @Range(min = 0, max = 60, message = "must be between 0 and 60 seconds")
                    int waitSeconds)
            throws InterruptedException {
        var name = new EnvironmentName(environment);
        return switch (waiting.await(name, new Patience(caller.name(), Duration.ofSeconds(waitSeconds)))) {
            case LockWaiting.Outcome.Answer answer -> ok(LockAnswer.of(environment, answer.lock(), fencingToken));
            case LockWaiting.Outcome.TooManyWaiting full -> throw RunProblems.tooManyWaiting(full.bound());
            case LockWaiting.Outcome.Unknown _ -> {
                environments.requireDefault(name);
                yield ok(new LockAnswer(
                        environment, environment, false, null, fencingToken == null ? null : false, null));
            }
        };
    }

    /** What an acquire would come to now. */
    record QueueCheckAnswer(
            boolean shouldSkip,
            int queueLength,
            @Nullable String skipReason,
            @Nullable Long batchedInto,
            @Nullable Boolean covered,
            String message)
            implements PlainAnswer {

        static QueueCheckAnswer of(QueueCheck check) {
            var into = check.into();
            String pending = "With " + Sentences.count(check.queueLength(), "run") + " pending a new one would ";
            if (into == null) {
                return new QueueCheckAnswer(
                        false,
                        check.queueLength(),
                        null,
                        null,
                        null,
                        pending + (check.queueLength() == 0 ? "be granted at once." : "wait for its turn."));
            }
            return new QueueCheckAnswer(
                    true,
                    check.queueLength(),
                    check.reason() == null ? null : check.reason().label(),
                    into.value(),
                    check.covered(),
                    pending + "be skipped in favour of run " + into + ", which "
                            + (check.covered() ? "would deploy its change." : "is pinned to its own sha."));
        }

        @Override
        public SequencedMap<String, ? extends @Nullable Object> plain() {
            SequencedMap<String, @Nullable Object> plain = new LinkedHashMap<>();
            plain.put("should_skip", shouldSkip);
            plain.put("queue_length", queueLength);
            plain.put("skip_reason", skipReason);
            plain.put("batched_into", batchedInto);
            plain.put("covered", covered);
            plain.put("message", message);
            return plain;
        }
    }

    @GetMapping("/api/environments/{environment}/queue-check")
    ResponseEntity<QueueCheckAnswer> queueCheck(
            Caller caller,
            @PathVariable @ValidEnvironment String environment,
            @RequestParam(required = false) @Text(max = 255) @Nullable String repository,
            @RequestParam(required = false) @Text(max = 255) @Nullable String ref,
            @RequestParam(required = false) @Nullable String priority) {
        var name = new EnvironmentName(environment);
        if (locks.find(name).isEmpty()) {
            environments.requireDefault(name);
        }
        AcquireRequest request = requests.check(caller, environment, repository, ref, priority);
        return ok(QueueCheckAnswer.of(coordinator.check(request)));
    }

    private static <T> ResponseEntity<T> ok(T answer) {
        return ResponseEntity.ok().cacheControl(CacheControl.noStore()).body(answer);
    }
}
