/**
 * What is deployed to: environments, the lock groups they belong to, and the policy each one follows.
 *
 * <p>An environment belongs to exactly one lock group, by default one of its own name; environments that must not race share one.
 * {@link io.lockkeeper.environment.Policies} is the one place that knows which policy an environment has.
 */
@NullMarked
package io.lockkeeper.environment;

import org.jspecify.annotations.NullMarked;
