/** The container image, built and run by a Docker engine. */
@NullMarked
package io.lockkeeper.image;

import org.jspecify.annotations.NullMarked;
