package io.lockkeeper.web;

import com.fasterxml.jackson.annotation.JsonUnwrapped;
import io.lockkeeper.security.ApiToken;
import io.lockkeeper.security.ApiTokens;
import io.lockkeeper.security.Caller;
import io.lockkeeper.security.NewApiToken;
import io.lockkeeper.security.TokenCreation;
import jakarta.validation.Valid;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import org.hibernate.validator.constraints.Range;
import org.jspecify.annotations.Nullable;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** How admins hand out tokens and take them back. */
@RestController
@RequestMapping(
        path = "/api/admin/tokens",
        produces = {MediaType.APPLICATION_JSON_VALUE, MediaType.TEXT_PLAIN_VALUE})
class TokenController {

    private final ApiTokens tokens;

    TokenController(ApiTokens tokens) {
        this.tokens = tokens;
    }

    /** A new token with its secret. */
    record CreatedView(@JsonUnwrapped TokenView view, String token) implements PlainAnswer {

        /** Spring logs answers: the beginning at level debug, all of it at trace. A secret has no place in a log. */
        @Override
        public String toString() {
            return "CreatedView[view=" + view + ", token=hidden]";
        }

        @Override
        public SequencedMap<String, ? extends @Nullable Object> plain() {
            SequencedMap<String, @Nullable Object> plain = new LinkedHashMap<>();
            plain.put("id", view.id());
            plain.put("name", view.name());
            plain.put("role", view.role());
            plain.put("environments", String.join(",", view.environments()));
            plain.put("expires_at", view.expiresAt());
            plain.put("token", token);
            return plain;
        }
    }

    /**
     * A page of the list.
     *
     * @param nextBefore where the next page begins; null after the last one
     */
    record Page(List<TokenView> items, @Nullable Long nextBefore) implements PlainAnswer {

        @Override
        public SequencedMap<String, ? extends @Nullable Object> plain() {
            SequencedMap<String, @Nullable Object> plain = new LinkedHashMap<>();
            int number = 1;
            for (TokenView token : items) {
                plain.put("token_" + number++, token.sentence());
            }
            plain.put("next_before", nextBefore);
            return plain;
        }
    }

    @PostMapping
    ResponseEntity<CreatedView> create(Caller caller, @RequestBody @Valid TokenBody body) {
        if (NewApiToken.isReserved(body.name())) {
            throw Problem.invalidField(
                            "name",
                            "name must not be admin: that is the bearer of the token which the service started with. Choose"
                                    + " another one.")
                    .asException();
        }
        return switch (tokens.create(body.wanted(), caller.name())) {
            case TokenCreation.Created created ->
                ResponseEntity.status(HttpStatus.CREATED)
                        .cacheControl(CacheControl.noStore())
                        .body(new CreatedView(TokenView.of(created.token()), created.secret()));
            case TokenCreation.NameTaken _ ->
                throw Problem.of(
                                ProblemType.TOKEN_NAME_TAKEN,
                                "There is a live token named " + body.name()
                                        + ". Choose another name, or revoke that one first; GET /api/admin/tokens lists its id.")
                        .with("field", "name")
                        .asException();
        };
    }

    @GetMapping
    ResponseEntity<Page> list(
            @RequestParam(required = false) @Nullable String name,
            @RequestParam(required = false) @Range(min = 1, message = "must be the number of a token") @Nullable
                    Long before,
            @RequestParam(defaultValue = "100") @Range(min = 1, max = 100, message = "must be between 1 and 100")
                    int limit) {
        List<ApiToken> found = tokens.list(name, before, limit + 1);
        List<ApiToken> page = found.subList(0, Math.min(limit, found.size()));
        Long next = found.size() > limit ? page.getLast().id() : null;
        return ResponseEntity.ok()
                .cacheControl(CacheControl.noStore())
                .body(new Page(page.stream().map(TokenView::of).toList(), next));
    }

    @DeleteMapping("/{id}")
    ResponseEntity<Void> revoke(
            Caller caller, @PathVariable @Range(min = 1, message = "must be the number of a token") long id) {
        return switch (tokens.revoke(id, caller.name())) {
            case REVOKED -> ResponseEntity.noContent().build();
            case UNKNOWN ->
                throw Problem.of(
                                ProblemType.TOKEN_UNKNOWN,
                                "There is no token " + id + ". GET /api/admin/tokens lists those that are.")
                        .asException();
        };
    }
}
