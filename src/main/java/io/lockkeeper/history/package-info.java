/**
 * What has happened: the runs, page by page, their statistics and the audit trail.
 *
 * <p>Readers change nothing and wait for nobody. Pages go backwards by number: the next one begins below the last number that was looked at,
 * so that rows that come or go meanwhile shift nothing.
 */
@NullMarked
package io.lockkeeper.history;

import org.jspecify.annotations.NullMarked;
