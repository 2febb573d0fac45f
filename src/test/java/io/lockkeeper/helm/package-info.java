/** The chart for Kubernetes, rendered by Helm itself and read as Kubernetes would read it. */
@NullMarked
package io.lockkeeper.helm;

import org.jspecify.annotations.NullMarked;
