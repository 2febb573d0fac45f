package io.lockkeeper.coordination;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.namedparam.MapSqlParameterSource;
import org.springframework.jdbc.core.namedparam.NamedParameterUtils;
import org.springframework.jdbc.core.namedparam.ParsedSql;

/**
 * Several statements that reach the server in one network round trip, in order. Each has a snapshot and a {@code statement_timestamp()} of
 * its own, as if it had been sent alone (PostgreSQL manual, 54.2.4 "Pipelining"); the first that fails ends the round trip.
 */
final class RoundTrip {

    /** Reads one statement's rows; called with the cursor before the first. */
    @FunctionalInterface
    interface Reader {
        void read(ResultSet rows) throws SQLException;
    }

    static final Reader IGNORE = rows -> {};

    /**
     * Absent values that are not text; those that are, are null. Each parameter must have a type: of a statement with an untyped one the
     * driver has the server tell the type, and from then on does not send it in one go with others.
     */
    enum Null {
        BIGINT(Types.BIGINT),
        INTEGER(Types.INTEGER),
        BOOLEAN(Types.BOOLEAN),
        BYTES(Types.VARBINARY);

        private final int type;

        Null(int type) {
            this.type = type;
        }

        /** The value, or this in its place. */
        Object or(@Nullable Object value) {
            return value == null ? this : value;
        }
    }

    private final StringBuilder text = new StringBuilder();
    private final List<@Nullable Object> arguments = new ArrayList<>();
    private final List<Reader> readers = new ArrayList<>();

    RoundTrip add(ParsedSql sql, Map<String, ? extends @Nullable Object> parameters, Reader reader) {
        MapSqlParameterSource source = new MapSqlParameterSource(parameters);
        if (!text.isEmpty()) {
            text.append(";\n");
        }
        text.append(NamedParameterUtils.substituteNamedParameters(sql, source));
        for (Object value : NamedParameterUtils.buildValueArray(sql, source, null)) {
            arguments.add(value);
        }
        readers.add(reader);
        return this;
    }

    /** Sends everything and reads the answers in the order of the statements. */
    void run(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(text.toString())) {
            for (int i = 0; i < arguments.size(); i++) {
                switch (arguments.get(i)) {
                    case null -> statement.setNull(i + 1, Types.VARCHAR);
                    case Null absent -> statement.setNull(i + 1, absent.type);
                    case Object present -> statement.setObject(i + 1, present);
                }
            }
            boolean hasRows = statement.execute();
            for (Reader reader : readers) {
                if (hasRows) {
                    try (ResultSet rows = statement.getResultSet()) {
                        reader.read(rows);
                    }
                }
                hasRows = statement.getMoreResults();
            }
        }
    }
}
