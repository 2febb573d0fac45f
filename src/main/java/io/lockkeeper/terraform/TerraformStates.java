package io.lockkeeper.terraform;

import io.lockkeeper.coordination.Blocker;
import io.lockkeeper.coordination.Coordinator;
import io.lockkeeper.coordination.EnvironmentReader;
import io.lockkeeper.coordination.Run;
import io.lockkeeper.coordination.RunOutcome;
import io.lockkeeper.coordination.RunReader;
import io.lockkeeper.coordination.RunReport;
import io.lockkeeper.coordination.RunStatus;
import io.lockkeeper.coordination.UnderLock;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.history.Page;
import io.lockkeeper.security.Caller;
import io.lockkeeper.web.Problem;
import io.lockkeeper.web.ProblemException;
import io.lockkeeper.web.ProblemType;
import io.lockkeeper.web.RunProblems;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/**
 * The versions of each environment's state. Written under the lock of the environment's group, by its holder or, where that is sound, while nobody
 * holds it; encrypted; the last {@value #KEPT} of each.
 */
@Component
class TerraformStates {
    static final int KEPT = 100;

    /** Of this replica: a state is held in memory, compressed, while it is written, and its writing takes a connection. */
    private static final int TRANSFERS_AT_ONCE = 4;

    private static final Duration TRANSFER_PATIENCE = Duration.ofSeconds(10);

    private static final String COLUMNS =
            "version, written_at, written_by, run_id, lock_id, restored_from, serial, lineage, terraform_version, size_bytes";
    private static final int MD5_BYTES = 16;

    private final Coordinator coordinator;
    private final TerraformLocks locks;
    private final RunReader runs;
    private final EnvironmentReader environments;
    private final StateCipher cipher;
    private final JdbcClient jdbc;
    private final Semaphore transfers = new Semaphore(TRANSFERS_AT_ONCE, true);

    TerraformStates(
            Coordinator coordinator,
            TerraformLocks locks,
            RunReader runs,
            EnvironmentReader environments,
            StateCipher cipher,
            JdbcClient jdbc) {
        this.coordinator = coordinator;
        this.locks = locks;
        this.runs = runs;
        this.environments = environments;
        this.cipher = cipher;
        this.jdbc = jdbc;
    }

    /** Refuses what would end without a key, before it begins. */
    void requireKey() {
        cipher.key();
    }

    /**
     * One version's content.
     *
     * @param compressed by gzip
     */
    @SuppressWarnings("ArrayRecordComponent") // Answered as they are.
    record State(long version, int sizeBytes, byte[] md5, byte[] compressed) {
        InputStream open() {
            try {
                return new GZIPInputStream(new ByteArrayInputStream(compressed));
            } catch (IOException e) {
                throw new UncheckedIOException("version " + version + " was not compressed", e);
            }
        }
    }

    /** A row, of which the content is null where the state was deleted. */
    private record Row(StateVersion version, StateCipher.@Nullable Sealed sealed) {}

    /** Empty when there never was one, and when it was deleted. */
    Optional<State> newest(EnvironmentName environment) {
        requireKey();
        return row(environment, null).filter(row -> row.sealed() != null).map(row -> decipher(environment, row));
    }

    State version(EnvironmentName environment, long version) {
        requireKey();
        Row row = row(environment, version).orElseThrow(() -> unknown(environment, version));
        if (row.sealed() == null) {
            throw unknown(environment, version);
        }
        return decipher(environment, row);
    }

    private Optional<Row> row(EnvironmentName environment, @Nullable Long version) {
        return jdbc.sql("SELECT " + COLUMNS
                        + ", key_id, content FROM terraform_state"
                        + " WHERE environment = :environment AND (:version::bigint IS NULL OR version = :version::bigint)"
                        + " ORDER BY version DESC LIMIT 1")
                .param("environment", environment.value())
                .param("version", version)
                .query((row, number) -> {
                    String keyId = row.getString("key_id");
                    return new Row(
                            read(row), keyId == null ? null : new StateCipher.Sealed(keyId, row.getBytes("content")));
                })
                .optional();
    }

    private State decipher(EnvironmentName environment, Row row) {
        StateVersion version = row.version();
        byte[] plain = cipher.open(environment, version.version(), Objects.requireNonNull(row.sealed()));
        return new State(
                version.version(),
                Objects.requireNonNull(version.sizeBytes()),
                Arrays.copyOf(plain, MD5_BYTES),
                Arrays.copyOfRange(plain, MD5_BYTES, plain.length));
    }

    private static ProblemException unknown(EnvironmentName environment, long version) {
        return Problem.of(
                        ProblemType.STATE_UNKNOWN,
                        "There is no version " + version + " of the state of " + environment
                                + " with a content; the last " + KEPT + " are kept. GET /api/terraform/" + environment
                                + "/versions lists them.")
                .asException();
    }

    /** Newest first. */
    Page<StateVersion> versions(EnvironmentName environment, @Nullable Long before, int limit) {
        List<StateVersion> found = jdbc.sql("SELECT " + COLUMNS
                        + " FROM terraform_state WHERE environment = :environment AND version < :before"
                        + " ORDER BY version DESC LIMIT :limit")
                .param("environment", environment.value())
                .param("before", Objects.requireNonNullElse(before, Long.MAX_VALUE))
                .param("limit", limit + 1)
                .query((row, number) -> read(row))
                .list();
        return found.size() <= limit
                ? new Page<>(found, null)
                : new Page<>(found.subList(0, limit), found.get(limit - 1).version());
    }

    private static StateVersion read(ResultSet row) throws SQLException {
        return new StateVersion(
                row.getLong("version"),
                row.getObject("written_at", OffsetDateTime.class).toInstant(),
                row.getString("written_by"),
                row.getObject("run_id", Long.class),
                row.getString("lock_id"),
                row.getObject("restored_from", Long.class),
                row.getObject("serial") == null,
                row.getObject("serial", Long.class),
                row.getString("lineage"),
                row.getString("terraform_version"),
                row.getObject("size_bytes", Integer.class));
    }

    /**
     * Writes what the holder of the lock sends, which also is a heartbeat. A repetition of the newest version under the same lock changes
     * nothing.
     *
     * @param lockId what Terraform sends as {@code ID}; null with {@code -lock=false}
     */
    StateVersion write(
            Caller caller,
            EnvironmentName environment,
            @Nullable String lockId,
            @Nullable String contentMd5,
            InputStream body)
            throws IOException, InterruptedException {
        requireKey();
        if (lockId == null) {
            throw notLocked(environment, "The request has no lock ID, as with -lock=false, which is refused here.");
        }
        Run run = locks.holding(caller, environment, lockId)
                .filter(known -> known.status() == RunStatus.IN_PROGRESS)
                .orElseThrow(() -> notLocked(environment, "The lock " + lockId + " is not held with this token."));
        AtomicReference<StateVersion> written = new AtomicReference<>();
        RunOutcome outcome;
        try (Transfer _ = transfer()) {
            StateUpload upload = StateUpload.read(body, contentMd5, cipher.mac());
            outcome = coordinator.heartbeat(TerraformLocks.proof(run), lock -> {
                Optional<Newest> newest = Newest.read(lock, environment);
                written.set(newest.filter(same -> same.repeats(lockId, upload))
                        .map(Newest::version)
                        .orElseGet(() -> insert(
                                lock,
                                environment,
                                newest,
                                new Writing(caller.name(), run.id().value(), lockId, null),
                                upload)));
            });
        }
        if (outcome instanceof RunOutcome.Renewed) {
            return Objects.requireNonNull(written.get());
        }
        throw notLocked(environment, "The lock " + lockId + " was lost while the state was sent.");
    }

    private ProblemException notLocked(EnvironmentName environment, String why) {
        Blocker.@Nullable Holder holder = runs.holder(environment)
                .map(RunReport::run)
                .map(run -> Blocker.Holder.of(run.lockGroups().iterator().next(), run))
                .orElse(null);
        return RunProblems.stateNotLocked(
                why + " The state of " + environment + " is written only by the holder of its lock"
                        + (holder == null ? ", and nobody holds it now" : "")
                        + ". Nothing was written; what Terraform could not write is in errored.tfstate, for terraform state push.",
                holder);
    }

    private final class Transfer implements AutoCloseable {
        @Override
        public void close() {
            transfers.release();
        }
    }

    private Transfer transfer() throws InterruptedException {
        if (!transfers.tryAcquire(TRANSFER_PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
            throw Problem.of(
                            ProblemType.TOO_MANY_REQUESTS,
                            "This replica is writing as many states as it takes. Send the state again.")
                    .retryAfter(TRANSFER_PATIENCE)
                    .asException();
        }
        return new Transfer();
    }

    /** Who writes a version, and by which right. */
    private record Writing(
            String by,
            @Nullable Long run,
            @Nullable String lockId,
            @Nullable Long restoredFrom) {}

    /** The newest version, read under the lock: what comes next is told by it. */
    @SuppressWarnings("ArrayRecordComponent") // Compared by MessageDigest alone.
    private record Newest(StateVersion version, byte @Nullable [] mac) {

        static Optional<Newest> read(UnderLock lock, EnvironmentName environment) {
            return lock.jdbc()
                    .sql("SELECT " + COLUMNS + ", mac FROM terraform_state WHERE environment = :environment"
                            + " ORDER BY version DESC LIMIT 1")
                    .param("environment", environment.value())
                    .query((row, number) -> new Newest(TerraformStates.read(row), row.getBytes("mac")))
                    .optional();
        }

        boolean repeats(String lockId, StateUpload upload) {
            return lockId.equals(version.lockId()) && mac != null && MessageDigest.isEqual(mac, upload.mac());
        }
    }

    private StateVersion insert(
            UnderLock lock,
            EnvironmentName environment,
            Optional<Newest> newest,
            Writing writing,
            @Nullable StateUpload upload) {
        long version = newest.map(last -> last.version().version()).orElse(0L) + 1;
        StateCipher.@Nullable Sealed sealed = upload == null
                ? null
                : cipher.seal(
                        environment,
                        version,
                        ByteBuffer.allocate(MD5_BYTES + upload.compressed().length)
                                .put(upload.md5())
                                .put(upload.compressed())
                                .array());
        StateVersion inserted = lock.jdbc()
                .sql(
                        "INSERT INTO terraform_state (environment, version, written_at, written_by, run_id, lock_id, restored_from,"
                                + " serial, lineage, terraform_version, size_bytes, key_id, mac, content)"
                                + " VALUES (:environment, :version, :at, :by, :run, :lockId, :restoredFrom, :serial, :lineage,"
                                + " :terraformVersion, :sizeBytes, :keyId, :mac, :content) RETURNING " + COLUMNS)
                .param("environment", environment.value())
                .param("version", version)
                .param("at", lock.at().atOffset(ZoneOffset.UTC))
                .param("by", writing.by())
                .param("run", writing.run(), java.sql.Types.BIGINT)
                .param("lockId", writing.lockId())
                .param("restoredFrom", writing.restoredFrom(), java.sql.Types.BIGINT)
                .param("serial", upload == null ? null : upload.serial(), java.sql.Types.BIGINT)
                .param("lineage", upload == null ? null : upload.lineage())
                .param("terraformVersion", upload == null ? null : upload.terraformVersion())
                .param("sizeBytes", upload == null ? null : upload.sizeBytes(), java.sql.Types.INTEGER)
                .param("keyId", sealed == null ? null : sealed.keyId())
                .param("mac", upload == null ? null : upload.mac(), java.sql.Types.BINARY)
                .param("content", sealed == null ? null : sealed.content(), java.sql.Types.BINARY)
                .query((row, number) -> read(row))
                .single();
        lock.jdbc()
                .sql("DELETE FROM terraform_state WHERE environment = :environment AND version <= :version - :kept")
                .param("environment", environment.value())
                .param("version", version)
                .param("kept", KEPT)
                .update();
        return inserted;
    }

    /** A version without content: Terraform begins anew, and what was before can be restored. Terraform names no lock here. */
    void delete(Caller caller, EnvironmentName environment) {
        if (environments.find(environment).isEmpty()) {
            return;
        }
        coordinator
                .unlessHeld(environment, holder -> isOwn(holder, caller, environment), lock -> {
                    Optional<Newest> newest = Newest.read(lock, environment);
                    if (newest.isPresent() && !newest.get().version().deleted()) {
                        StateVersion written =
                                insert(lock, environment, newest, new Writing(caller.name(), null, null, null), null);
                        audit(lock, "state_deleted", caller, environment, newest, written);
                    }
                })
                .ifPresent(holder -> {
                    throw RunProblems.taken(environment, holder, "Nothing was deleted.");
                });
    }

    private static boolean isOwn(Run holder, Caller caller, EnvironmentName environment) {
        return !holder.isDeployment()
                && holder.caller().equals(caller.name())
                && holder.environments().contains(environment);
    }

    /** Makes an earlier version the newest, with a serial that Terraform takes for newer, while nobody holds the lock. */
    StateVersion restore(Caller caller, EnvironmentName environment, long version)
            throws IOException, InterruptedException {
        try (Transfer _ = transfer()) {
            return restored(caller, environment, version);
        }
    }

    private StateVersion restored(Caller caller, EnvironmentName environment, long version) throws IOException {
        State earlier = version(environment, version);
        long newest;
        byte[] changed;
        try (InputStream text = earlier.open()) {
            newest = row(environment, null).map(row -> row.version().version()).orElse(0L);
            changed = StateUpload.withSerial(text.readAllBytes(), highestSerial(environment) + 1);
        }
        StateUpload upload = StateUpload.read(new ByteArrayInputStream(changed), null, cipher.mac());
        AtomicReference<StateVersion> written = new AtomicReference<>();
        Optional<Run> holder = coordinator.unlessHeld(environment, run -> false, lock -> {
            Optional<Newest> now = Newest.read(lock, environment);
            if (now.map(last -> last.version().version()).orElse(0L) != newest) {
                throw Problem.of(
                                ProblemType.HOLDER_CHANGED,
                                "The state of " + environment
                                        + " was written meanwhile. Look at its versions again before you decide.")
                        .asException();
            }
            written.set(insert(lock, environment, now, new Writing(caller.name(), null, null, version), upload));
            audit(lock, "state_restored", caller, environment, now, written.get());
        });
        if (holder.isPresent()) {
            throw RunProblems.taken(environment, holder.get(), "Nothing was restored.");
        }
        return Objects.requireNonNull(written.get());
    }

    private long highestSerial(EnvironmentName environment) {
        return jdbc.sql("SELECT coalesce(max(serial), 0) FROM terraform_state WHERE environment = :environment")
                .param("environment", environment.value())
                .query(Long.class)
                .single();
    }

    private static void audit(
            UnderLock lock,
            String action,
            Caller caller,
            EnvironmentName environment,
            Optional<Newest> before,
            StateVersion after) {
        lock.jdbc()
                .sql("""
                        INSERT INTO audit (at, actor, action, environments, before, after)
                        VALUES (:at, :actor, :action, ARRAY[:environment::text],
                                jsonb_build_object('version', :before::bigint),
                                jsonb_strip_nulls(jsonb_build_object('version', :after::bigint, 'restored_from', :from::bigint)))""")
                .param("at", lock.at().atOffset(ZoneOffset.UTC))
                .param("actor", caller.name())
                .param("action", action)
                .param("environment", environment.value())
                .param("before", before.map(last -> last.version().version()).orElse(null))
                .param("after", after.version())
                .param("from", after.restoredFrom(), java.sql.Types.BIGINT)
                .update();
    }
}
