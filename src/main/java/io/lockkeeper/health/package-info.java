/**
 * What environments say of themselves: the background probe of each {@code health_url}.
 *
 * <pre>
 *   claim (short transaction, one replica at a time) ──▶ probe (no transaction, no connection) ──▶ store (only if the claim still stands)
 * </pre>
 *
 * Claiming stamps the environment's row with the time, and who is stamped is not due again for an interval: that is how replicas divide
 * the work. The stamp is also the identity of the claim. A result is kept only for the claim and the URL that it belongs to, so a replica
 * that comes back late overwrites nothing. If it never comes back, the environment keeps its last result until the next claim, an
 * interval later.
 *
 * <p>The prober is given addresses by people and must not be made a tool against the network it runs in: see
 * {@link io.lockkeeper.health.Probe} for what it refuses and what remains.
 */
@NullMarked
package io.lockkeeper.health;

import org.jspecify.annotations.NullMarked;
