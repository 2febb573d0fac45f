package io.lockkeeper.webhook;

/**
 * What is sent.
 *
 * @param id the same for every attempt, so that a receiver knows what it has got already
 */
record Message(String id, String body) {}
