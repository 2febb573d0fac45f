/** Traces, when somebody wants them: whether there are any is decided before anything else is made, so that without them nothing is. */
@NullMarked
package io.lockkeeper.tracing;

import org.jspecify.annotations.NullMarked;
