package io.lockkeeper.history;

import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

/** Which environments a caller may see, so that a search begins with them instead of leaving most of what it finds out. */
final class Visibility {
    private Visibility() {}

    /** Those that there are and that the caller may see; null when that is all of them. */
    static String @Nullable [] of(Predicate<String> visible, JdbcClient jdbc) {
        List<String> all = jdbc.sql("SELECT name FROM environment ORDER BY name")
                .query((row, number) -> row.getString(1))
                .list();
        List<String> seen = all.stream().filter(visible).toList();
        return seen.size() == all.size() ? null : seen.toArray(String[]::new);
    }
}
