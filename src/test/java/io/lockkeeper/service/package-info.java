/** What the running service promises over HTTP: in this JVM where one service will do, as processes where several or their deaths matter. */
@NullMarked
package io.lockkeeper.service;

import org.jspecify.annotations.NullMarked;
