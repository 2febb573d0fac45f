/**
 * Webhooks: events, delivered to chats and automation that the configuration names.
 *
 * <p>The table {@code event}, which triggers fill in the transaction of each change, is the queue already, so no transition does anything
 * for a webhook. What a webhook adds is one row: its place in the order of events, how its attempts went, and a claim.
 *
 * <pre>
 *   look (one query a second, for all) ──▶ claim (its row) ──▶ read a page ──▶ send (no connection) ──▶ store (only if the claim stands)
 *                                                                   ▲                                      │
 *                                                                   └────────── the next event ────────────┤
 *                                          claim given back: nothing more to do, or a failure and a pause ◀┘
 * </pre>
 *
 * <ul>
 *   <li><b>At least once.</b> The place moves when the receiver has answered 2xx, never before. A replica that dies in between, or whose
 *       claim lapsed meanwhile, leaves one event that is sent again, under the same id.
 *   <li><b>In order</b>, for each webhook: one replica at a time delivers, one event at a time, and the next is not sent before this one is
 *       over. So each environment's events are in order, too. The price is that a receiver that fails delays all of its own events; and
 *       none of another webhook's, each of which has a thread of its own.
 *   <li><b>One replica at a time</b>, by a claim on the row with a lease by the database's clock. Its number is in the WHERE of every
 *       write. Before it sends, a replica asks its own monotonic clock, counted from before the claim was written, whether the lease
 *       still covers the whole attempt. What remains is a replica that stops between this question and the sending for longer than the
 *       rest of the lease: then an event may come late and twice.
 *   <li><b>Nothing is lost silently.</b> A receiver that is away gets everything when it is back. What it refuses again and again, and what
 *       was deleted before it could be delivered (a trigger sees to that), is counted in the row.
 * </ul>
 *
 * <p>Receivers are named by whoever configures the service and by nobody else: a stolen token cannot make the service call anything.
 */
@NullMarked
package io.lockkeeper.webhook;

import org.jspecify.annotations.NullMarked;
