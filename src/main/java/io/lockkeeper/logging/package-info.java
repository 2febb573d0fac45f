/** The log of what happens to runs, for people and for log collectors: {@code docs/logging.md}. */
@NullMarked
package io.lockkeeper.logging;

import org.jspecify.annotations.NullMarked;
