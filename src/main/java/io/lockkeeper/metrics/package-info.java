/**
 * The metrics that {@code docs/metrics.md} describes.
 *
 * <p>They come from two sources. What was decided, {@link io.lockkeeper.metrics.RunMeters} counts and measures as coordination tells it
 * after each commit: it is this replica's own, and only adding up the replicas gives the whole. How things stand,
 * {@link io.lockkeeper.metrics.StandingGauges} shows from the database, so that every replica shows the same: one read, which is kept for a
 * few seconds and which a scrape asks for ({@link io.lockkeeper.metrics.ScrapedRegistry}), whoever scrapes and however often. Nothing in
 * between touches the database, least of all a transition.
 *
 * <p>What a client can make up becomes a label only within a bound: {@link io.lockkeeper.metrics.EnvironmentLabels},
 * {@link io.lockkeeper.metrics.TierLabels}.
 */
@NullMarked
package io.lockkeeper.metrics;

import org.jspecify.annotations.NullMarked;
