/** Lockkeeper lets one deployment at a time into an environment. Each package is one feature; start with {@code coordination}. */
@NullMarked
package io.lockkeeper;

import org.jspecify.annotations.NullMarked;
