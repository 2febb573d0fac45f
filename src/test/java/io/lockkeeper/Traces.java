package io.lockkeeper;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;

/**
 * What services and databases of all tests leave behind, and the secrets that they were given. It is kept below {@code target}, until the next
 * build's tests begin, for {@link LeftSecretsIT} to search.
 */
public final class Traces {

    /** What services print. */
    static final Path LOGS = Path.of("target", "service-logs");

    static final Path METRICS = Path.of("target", "traces", "metrics");
    static final Path DATABASES = Path.of("target", "traces", "databases");

    /** One secret a line. */
    static final Path SECRETS = Path.of("target", "traces", "secrets");

    /** What is shorter stands everywhere: the password of a database in a container is "test". */
    private static final int SHORTEST_SECRET = 12;

    private Traces() {}

    /** Notes a secret that a service was configured with. Those that it makes itself are known by their form and their hash. */
    public static void secret(String secret) {
        if (secret.length() >= SHORTEST_SECRET) {
            append(SECRETS, secret + "\n");
        }
    }

    /** @param kind one of the directories above */
    static void keep(Path kind, String text) {
        append(kind, text);
    }

    /** Each row of each table, as text. */
    static void keepDatabase(Connection connection) throws SQLException {
        var text = new StringBuilder();
        try (var statement = connection.createStatement()) {
            statement.execute("""
                    CREATE FUNCTION pg_temp.rows_of(name regclass) RETURNS SETOF text LANGUAGE plpgsql AS
                    $$ BEGIN RETURN QUERY EXECUTE format('SELECT row::text FROM %s AS row', name); END $$""");
            try (var rows = statement.executeQuery("""
                    SELECT relname, pg_temp.rows_of(oid)
                    FROM pg_class
                    WHERE relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace""")) {
                while (rows.next()) {
                    text.append(rows.getString(1))
                            .append(' ')
                            .append(rows.getString(2))
                            .append('\n');
                }
            }
        }
        append(DATABASES, text);
    }

    /** Each JVM has files of its own: there may be several at once. */
    private static synchronized void append(Path directory, CharSequence text) {
        try {
            Files.createDirectories(directory);
            Files.write(
                    directory.resolve(ProcessHandle.current().pid() + ".txt"),
                    List.of(text),
                    StandardOpenOption.CREATE,
                    StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
