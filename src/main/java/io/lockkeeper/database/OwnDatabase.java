package io.lockkeeper.database;

import java.nio.file.Path;

/**
 * There when the service runs a PostgreSQL of its own.
 *
 * @param dataDirectory where it is, and where whatever else belongs to the data of this one machine can be
 */
public record OwnDatabase(Path dataDirectory) {}
