/**
 * Measures the packaged service on an embedded PostgreSQL with fsync on, each figure beside a floor taken in the same run. Not a test: figures
 * are for people to compare, and nothing here fails because a machine is slow. {@code docs/benchmarks.md} says how to run and read it.
 */
@NullMarked
package io.lockkeeper.benchmark;

import org.jspecify.annotations.NullMarked;
