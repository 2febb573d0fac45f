package io.lockkeeper.security;

import java.net.InetAddress;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Who may ask how much of this replica.
 *
 * <ul>
 *   <li><b>A token that was good here of late</b>: its caller has a budget, from wherever it is used. What exceeds it is refused before
 *       anything is looked up, so a flood costs the others no database connection.
 *   <li><b>Heartbeats and releases</b> have a second budget per caller: a pipeline whose own polling exceeds the first one does not
 *       lose its lock by it.
 *   <li><b>Any other token</b> is looked up as long as its address has not shown too many wrong ones, {@value #GUESSES_SHARE} times fewer than
 *       requests. Only a wrong one is charged: a pipeline whose runners share an address, each with a new token, has no such bound, and with a
 *       token that is known here it is not even touched by a neighbour who guesses. Whoever guesses learns nothing more until the budget has
 *       recovered, not even whether a guess is right.
 *   <li><b>No token</b> at all: a budget per address.
 * </ul>
 *
 * <p>All of it is bounded, and per replica: nobody has to be asked, and several replicas together allow as many times more.
 */
final class RequestLimits {

    static final int GUESSES_SHARE = 10;

    /** Clients of each kind that are remembered. The least recently seen is forgotten first, and begins with a full budget. */
    private static final int REMEMBERED = 10_000;

    /** Which budget a request is taken from. */
    enum Purpose {
        /** A holder keeps its lock, or gives it back. */
        LIFELINE,
        /** Everything else. */
        ANYTHING
    }

    /** A client and what it asks for. The client is the name of a caller, or an address. */
    private record Account(String client, Purpose purpose) {}

    private final boolean off;
    private final Budgets<Account> callers;
    private final Budgets<Account> strangers;
    private final Budgets<Account> guesses;

    /** Tokens that were good here of late, by their hashes, and whose they are. */
    private final Map<String, String> known = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, String> eldest) {
            return size() > REMEMBERED;
        }
    };

    /**
     * Makes limits that nobody has touched yet.
     *
     * @param perSecond zero switches them off
     * @param clock nanoseconds of any origin
     */
    RequestLimits(int perSecond, LongSupplier clock) {
        off = perSecond == 0;
        int requests = Math.max(1, perSecond);
        int wrongOnes = Math.max(1, perSecond / GUESSES_SHARE);
        callers = new Budgets<>(requests, 2 * requests, 2 * REMEMBERED, clock);
        strangers = new Budgets<>(requests, 2 * requests, REMEMBERED, clock);
        guesses = new Budgets<>(wrongOnes, 2 * wrongOnes, 2 * REMEMBERED, clock);
    }

    /**
     * Asks for one request, before its token is looked up.
     *
     * @param token the hash of the token; null when there is none
     * @return zero if it may go on, otherwise how long the client should wait
     */
    Duration admit(@Nullable String token, String address, Purpose purpose) {
        if (off) {
            return Duration.ZERO;
        }
        if (token == null) {
            return strangers.take(new Account(network(address), purpose));
        }
        var caller = caller(token);
        return caller == null
                ? guesses.wait(new Account(network(address), purpose))
                : callers.take(new Account(caller, purpose));
    }

    /** The token was found good. The first time it is charged here, since nobody knew whom to charge before. */
    void accepted(String token, String caller, Purpose purpose) {
        String before;
        synchronized (known) {
            before = known.put(token, caller);
        }
        if (before == null) {
            callers.charge(new Account(caller, purpose));
        }
    }

    /** The token is a wrong one, perhaps since just now. */
    void refused(String token, String address, Purpose purpose) {
        synchronized (known) {
            known.remove(token);
        }
        guesses.charge(new Account(network(address), purpose));
    }

    private @Nullable String caller(String token) {
        synchronized (known) {
            return known.get(token);
        }
    }

    /** One household has as many IPv6 addresses as it likes, all with the same first half. */
    private static String network(String address) {
        if (address.indexOf(':') < 0) {
            return address;
        }
        try {
            byte[] bytes = InetAddress.ofLiteral(address).getAddress();
            return bytes.length == 16 ? Arrays.toString(Arrays.copyOf(bytes, 8)) : address;
        } catch (IllegalArgumentException e) {
            return address;
        }
    }
}
