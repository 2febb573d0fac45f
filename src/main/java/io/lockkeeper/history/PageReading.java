package io.lockkeeper.history;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.ResultSetExtractor;
import org.springframework.jdbc.core.RowMapper;

/**
 * Reads the rows of a page's statement: up to one more than the page has, each with {@code lowest_seen}, the lowest number that was looked
 * at, and {@code is_more}, whether there are lower ones; a single row without {@code id} when nothing was found.
 *
 * @param visible leaves out what the caller may not see
 */
record PageReading<T>(int limit, RowMapper<T> item, Predicate<T> visible) implements ResultSetExtractor<Page<T>> {
    /** Given as {@code before} when the page is to begin with the newest. */
    static final long NEWEST = Long.MAX_VALUE;

    @Override
    public Page<T> extractData(ResultSet rows) throws SQLException {
        List<T> items = new ArrayList<>();
        @Nullable Long next = null;
        long last = NEWEST;
        for (int number = 0; rows.next(); number++) {
            if (number == 0 && rows.getBoolean("is_more")) {
                next = rows.getLong("lowest_seen");
            }
            long id = rows.getLong("id");
            if (rows.wasNull()) {
                break;
            }
            if (number == limit) {
                next = last;
                break;
            }
            last = id;
            T read = item.mapRow(rows, number);
            if (read != null && visible.test(read)) {
                items.add(read);
            }
        }
        return new Page<>(items, next);
    }
}
