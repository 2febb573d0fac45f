/**
 * Where PostgreSQL is, and the promise that it answers before anything else of Lockkeeper starts.
 *
 * <p>Everything Lockkeeper knows is in PostgreSQL, so this is the first question of a start, answered before Spring creates its
 * first bean ({@link io.lockkeeper.database.DatabaseInitializer}). {@code LOCKKEEPER_DATABASE_URL} or {@code SPRING_DATASOURCE_URL}
 * name a server; without them a real PostgreSQL of our own runs in the data directory
 * ({@link io.lockkeeper.database.EmbeddedPostgres}). Either way one connection is made, and a server that cannot be reached, is too
 * old or cannot be written ends the start with one sentence ({@link io.lockkeeper.database.StartupRefused}) and exit status 1.
 *
 * <p>Who is authoritative for what: the operating system's file lock says which process owns a data directory, since it ends with the
 * process, however that ends; a pid in a file is only a hint. With the lock owned, whatever still runs or lies about in the directory
 * is a remainder of a dead Lockkeeper, and ours to clear away:
 *
 * <pre>
 *   claim the data directory ── taken ──&gt; refuse, naming the owner's pid
 *     └─ unpack the binaries (beside, then renamed: a half-unpacked set is never used)
 *          └─ stop the orphan that still serves this directory; disarm a stale postmaster.pid
 *               └─ no database here? initdb (beside, then renamed: a half-made one is never used)
 *                    └─ start on a free port ... close: stop, then give the directory back
 * </pre>
 */
@NullMarked
package io.lockkeeper.database;

import org.jspecify.annotations.NullMarked;
