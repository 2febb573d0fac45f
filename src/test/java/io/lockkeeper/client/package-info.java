/**
 * The clients, run as their users run them: as processes, in the shells that machines have, against the packaged service. What they print,
 * how they exit and what they leave behind is what these tests are about; what the service decides is tested elsewhere.
 */
@NullMarked
package io.lockkeeper.client;

import org.jspecify.annotations.NullMarked;
