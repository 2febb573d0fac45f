/**
 * The heart: one run at a time holds a lock group, the others wait in a fair queue, and whoever dies is noticed.
 *
 * <h2>Words</h2>
 *
 * A <em>run</em> is one request to deploy, from acquire to its end. It has a <em>claim</em> on the lock group of each of its environments and
 * is granted all of them or none. The run that holds a group is its <em>holder</em>; it keeps the lock for the length of its <em>lease</em>
 * and renews it by <em>heartbeats</em>. Every grant draws a <em>fencing token</em>, larger than any before.
 *
 * <h2>The life of a run</h2>
 *
 * <pre>
 *             acquire                                    enough are pending and one of them can deploy this change too
 *                │────────────────────────────────────────────────────────────────────────────────▶ skipped
 *     all free   │  not free
 *        ┌───────┴───────┐
 *        │               ▼        client gone            ▶ abandoned
 *        │            queued ──── queue time-out         ▶ timed_out
 *        │               │   └─── cancel, release        ▶ cancelled
 *        │    first in all│its groups
 *        │               ▼
 *        │         granted, not picked up ── nobody asks ▶ abandoned
 *        │               │                └─ cancel      ▶ cancelled
 *        │               │wait, heartbeat
 *        ▼               ▼
 *      in_progress, with a full lease  ◀──┐
 *        │   │   └──── heartbeat ─────────┘
 *        │   └──────── lease runs out ────────────────── ▶ expired
 *        └──────────── release ───────────────────────── ▶ success, failure, cancelled
 * </pre>
 *
 * An ended run is final; {@code awaiting_approval}, {@code preempted}, {@code rejected} and {@code superseded} are reserved for the
 * transitions of people.
 *
 * <h2>Who is authoritative for what</h2>
 *
 * <ul>
 *   <li><em>Who holds a lock</em>: the rows, and among them a partial unique index. Replicas keep nothing that matters.
 *   <li><em>When</em>: the database's clock. A transition reads it once, after it has its locks.
 *   <li><em>Whether a client may go on deploying</em>: the client, by its own clock from before it asked, less a margin. The server never
 *       grants before the lease has ended, so the two agree whatever the network does.
 *   <li><em>Whether somebody should look again</em>: the {@link io.lockkeeper.coordination.Doorbell}, which may be wrong in any way.
 * </ul>
 *
 * <h2>A transition</h2>
 *
 * {@link io.lockkeeper.coordination.Coordinator} takes the advisory locks of all groups concerned, in the order of their keys and as a
 * statement of its own; reads a {@code Snapshot}; lets the {@code Planner} decide, a pure function that plays on a {@code Board}; has the
 * {@code ChangeWriter} execute the changes; and commits. If a run in the way has claims in groups that are not locked, it starts again with
 * those as well: locks are never added out of order, so no two transitions wait for each other. A plan also ends what is overdue in its
 * groups, so nothing depends on the sweeper but the liveness of a group that nobody asks about.
 *
 * <p>When it is committed and its locks are free, waiting clients are woken, and then each
 * {@link io.lockkeeper.coordination.TransitionObserver} is told what it has done: the log and the metrics live on that alone.
 *
 * <h2>When things fail</h2>
 *
 * <ul>
 *   <li><em>A client dies</em>: queued, its presence time runs out; granted, its lease. The next run is granted.
 *   <li><em>A replica dies</em>: its transactions roll back, its waiting clients ask another.
 *   <li><em>The database restarts</em>: what was answered was committed. Waiting clients get their presence time anew, since nobody could
 *       hear them ({@code Snapshot.heardClients}); leases are not prolonged, since holders stop by their own clocks.
 *   <li><em>The snapshot was not the truth</em>, which only a defect could cause: each write checks how many rows it met and fails the
 *       transaction.
 * </ul>
 */
@NullMarked
package io.lockkeeper.coordination;

import org.jspecify.annotations.NullMarked;
