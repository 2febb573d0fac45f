@NullMarked
package io.lockkeeper.terraform;

import org.jspecify.annotations.NullMarked;
