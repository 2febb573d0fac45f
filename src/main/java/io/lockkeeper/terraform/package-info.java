/**
 * Terraform's HTTP backend: its lock is a run in the same queue as deployments, and its state is written only by whoever holds that lock.
 *
 * <p>{@link io.lockkeeper.terraform.TerraformLocks} translates LOCK and UNLOCK into transitions: a lock ID is an idempotency key, a retry of LOCK is the
 * client's presence, and what Terraform is told of a holder is made of the run that holds. {@link io.lockkeeper.terraform.TerraformStates} keeps the
 * versions of each state. It writes only {@link io.lockkeeper.coordination.UnderLock}, in the transaction in which the lock was found to be the
 * writer's, and nothing but {@link io.lockkeeper.terraform.StateCipher}'s output.
 *
 * <p>Terraform prints next to nothing of an answer: the status of most refusals, and of a 423 the {@code ID}. So the status decides what it does (it
 * repeats 429 and 5xx, but not 501), and the ID is where people learn who is in the way.
 */
@NullMarked
package io.lockkeeper.terraform;

import org.jspecify.annotations.NullMarked;
