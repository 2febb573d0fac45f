/**
 * The events: every change of a run and everything in the audit trail, as rows that triggers write. This package reads them, in an order
 * that is the same for every reader; {@code notify} hands them to those who follow along.
 *
 * <p>An event's place is the pair of its transaction's number and its own ({@link io.lockkeeper.event.EventId}). It can be read as soon as
 * all older transactions are over, which is mostly at once.
 */
@NullMarked
package io.lockkeeper.event;

import org.jspecify.annotations.NullMarked;
