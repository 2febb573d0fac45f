package io.lockkeeper.security;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.security.core.context.DeferredSecurityContext;
import org.springframework.security.core.context.SecurityContext;
import org.springframework.security.core.context.SecurityContextImpl;
import org.springframework.security.web.context.HttpRequestResponseHolder;
import org.springframework.security.web.context.SecurityContextRepository;

/**
 * Who is logged in to the page. A session keeps a {@link SessionKey} and nothing about rights, so a revoked or expired token ends its sessions
 * with their next request, at every replica; so does a configuration that no longer lets a person in, once a replica has it.
 *
 * <p>Ages of sessions go by the replicas' clocks, as Spring Session's own do: some seconds more or less are nothing among hours, and no lock hangs on
 * them.
 */
final class SessionCallers implements SecurityContextRepository {

    /** However busy a session is. A cookie that somebody has copied is good no longer than this. */
    static final Duration LONGEST_SESSION = Duration.ofDays(7);

    /** What the provider said of somebody is believed for so long: who leaves the company, or a group, is out the next day. */
    static final Duration LONGEST_SESSION_OF_PERSON = Duration.ofHours(12);

    private static final String KEY = "lockkeeper.session-key";

    private final AdminToken adminToken;
    private final TokenLookup tokens;
    private final Optional<People> people;

    /**
     * @param people empty: nobody logs in but with a token
     */
    SessionCallers(AdminToken adminToken, TokenLookup tokens, Optional<People> people) {
        this.adminToken = adminToken;
        this.tokens = tokens;
        this.people = people;
    }

    /** Looks when it is asked who is there, which what anybody may see does not. */
    @Override
    public DeferredSecurityContext loadDeferredContext(HttpServletRequest request) {
        return new Deferred(() -> load(request));
    }

    @Override
    @Deprecated
    @SuppressWarnings("removal")
    public SecurityContext loadContext(HttpRequestResponseHolder holder) {
        return load(holder.getRequest());
    }

    private SecurityContext load(HttpServletRequest request) {
        var session = request.getSession(false);
        if (session == null || !(session.getAttribute(KEY) instanceof SessionKey key)) {
            return new SecurityContextImpl();
        }
        var isTooOld = Instant.ofEpochMilli(session.getCreationTime())
                .plus(LONGEST_SESSION)
                .isBefore(Instant.now());
        var caller = isTooOld ? Optional.<Caller>empty() : find(key);
        if (caller.isEmpty()) {
            session.invalidate();
            return new SecurityContextImpl();
        }
        return new SecurityContextImpl(new CallerAuthentication(caller.get()));
    }

    private Optional<Caller> find(SessionKey key) {
        return switch (key) {
            case SessionKey.OfToken token ->
                adminToken.matchesDigest(token.digest())
                        ? Optional.of(AdminTokenProvider.CALLER)
                        : tokens.findByDigest(token.digest());
            case SessionKey.OfPerson person ->
                people.filter(_ -> person.at().plus(LONGEST_SESSION_OF_PERSON).isAfter(Instant.now()))
                        .flatMap(known -> known.caller(person));
        };
    }

    /** Called when somebody has logged in, whose authentication then has the key as its details, and when somebody has logged out. */
    @Override
    public void saveContext(SecurityContext context, HttpServletRequest request, HttpServletResponse response) {
        var authentication = context.getAuthentication();
        if (authentication != null && authentication.getDetails() instanceof SessionKey key) {
            var session = request.getSession();
            session.setAttribute(KEY, key);
            session.setMaxInactiveInterval(SessionConfiguration.IDLE_SECONDS);
        } else if (authentication == null) {
            var session = request.getSession(false);
            if (session != null) {
                session.removeAttribute(KEY);
            }
        }
    }

    @Override
    public boolean containsContext(HttpServletRequest request) {
        var session = request.getSession(false);
        return session != null && session.getAttribute(KEY) != null;
    }

    private static final class Deferred implements DeferredSecurityContext {
        private final Supplier<SecurityContext> loading;
        private @Nullable SecurityContext loaded;

        Deferred(Supplier<SecurityContext> loading) {
            this.loading = loading;
        }

        @Override
        public SecurityContext get() {
            var context = loaded;
            if (context == null) {
                context = loading.get();
                loaded = context;
            }
            return context;
        }

        @Override
        public boolean isGenerated() {
            return get().getAuthentication() == null;
        }
    }
}
