/**
 * Waiting: calls that park until what they wait for has changed, and the three ways in which they learn that it has.
 *
 * <ol>
 *   <li>In this replica, the {@link io.lockkeeper.notify.WaitingRoom} is rung after each commit.
 *   <li>In the others, a NOTIFY with the ids is heard by their {@code Listener}. It is sent only when a waiting run changed, by the
 *       {@code Announcer} and not by the transition: a commit with a NOTIFY takes a lock that all such commits of the database share.
 *   <li>What neither of them carried, the {@code Recheck} finds: one query a second for all calls of the replica.
 * </ol>
 *
 * <p>Those who follow the events ({@link io.lockkeeper.notify.EventFeed}) wait in the same room. One {@code EventTail} per replica reads for
 * all of them: it looks after each ring of the first two kinds, and once a second.
 *
 * <p>A ring decides nothing. Whoever hears one looks at the row; whoever hears none looks when its time is up. A parked call holds no
 * database connection and no platform thread.
 */
@NullMarked
package io.lockkeeper.notify;

import org.jspecify.annotations.NullMarked;
