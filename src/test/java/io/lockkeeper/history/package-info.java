/** What has happened, read back and kept. */
@NullMarked
package io.lockkeeper.history;

import org.jspecify.annotations.NullMarked;
