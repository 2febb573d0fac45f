package io.lockkeeper.web;

import io.lockkeeper.security.Caller;
import io.lockkeeper.webhook.WebhookState;
import io.lockkeeper.webhook.Webhooks;
import java.time.Duration;
import java.util.List;
import org.springframework.http.CacheControl;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** How admins look at webhooks and try them. They are made in the configuration only, so that no token can make the service call anything. */
@RestController
@RequestMapping(path = "/api/admin/webhooks", produces = MediaType.APPLICATION_JSON_VALUE)
class WebhookController {
    private final Webhooks webhooks;

    WebhookController(Webhooks webhooks) {
        this.webhooks = webhooks;
    }

    /** All that there are. */
    record All(List<WebhookState> items) {}

    @GetMapping
    ResponseEntity<All> list() {
        return ok(new All(webhooks.states()));
    }

    @PostMapping("/{name}/test")
    ResponseEntity<Webhooks.Test.Sent> test(Caller caller, @PathVariable @Text(min = 1, max = 40) String name) {
        return switch (webhooks.test(name, caller.name())) {
            case Webhooks.Test.Sent sent -> ok(sent);
            case Webhooks.Test.Unknown unknown ->
                throw Problem.of(
                                ProblemType.WEBHOOK_UNKNOWN,
                                "There is no webhook of this name. The configuration declares "
                                        + (unknown.declared().isEmpty()
                                                ? "none; docs/webhooks.md says how."
                                                : String.join(", ", unknown.declared()) + "."))
                        .asException();
            case Webhooks.Test.Busy _ ->
                throw Problem.of(
                                ProblemType.TOO_MANY_REQUESTS,
                                "A test of this webhook is under way. Try again when it has ended, in a few seconds.")
                        .retryAfter(Duration.ofSeconds(5))
                        .asException();
        };
    }

    private static <T> ResponseEntity<T> ok(T answer) {
        return ResponseEntity.ok().cacheControl(CacheControl.noStore()).body(answer);
    }
}
