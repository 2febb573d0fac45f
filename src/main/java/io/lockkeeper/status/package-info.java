/**
 * What is going on: the deployment status that admins and scripts read, and the check that every invariant holds.
 *
 * <p>Reads only, each from one snapshot, so that the parts of an answer agree with each other.
 */
@NullMarked
package io.lockkeeper.status;

import org.jspecify.annotations.NullMarked;
