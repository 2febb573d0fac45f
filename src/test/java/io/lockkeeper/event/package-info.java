@NullMarked
package io.lockkeeper.event;

import org.jspecify.annotations.NullMarked;
