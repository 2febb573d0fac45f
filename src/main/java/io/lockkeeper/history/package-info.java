/**
 * What has happened: the runs, page by page, their statistics and the audit trail.
 *
 * <p>Readers change nothing and wait for nobody. Pages go backwards by number: the next one begins below the last number that was looked at,
 * so that rows that come or go meanwhile shift nothing.
 *
 * <p>How long the past is kept is the business of {@link io.lockkeeper.history.Retention}. A receipt (a skipped or superseded run) goes before
 * the run that it names, never after it.
 */
@NullMarked
package io.lockkeeper.history;

import org.jspecify.annotations.NullMarked;
