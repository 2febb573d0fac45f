package io.lockkeeper;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import org.junit.jupiter.api.Test;

class TestDatabaseTest {

    @Test
    void each_database_is_its_own() throws SQLException {
        try (var one = TestDatabase.fresh().dataSource().getConnection();
                var other = TestDatabase.fresh().dataSource().getConnection()) {
            one.createStatement().execute("CREATE TABLE t (n int)");
            var rows = other.createStatement().executeQuery("SELECT to_regclass('t')");
            assertThat(rows.next()).isTrue();
            assertThat(rows.getString(1)).isNull();
        }
    }

    @Test
    void migrated_database_knows_its_schema_history() throws SQLException {
        try (var connection = TestDatabase.migrated().dataSource().getConnection()) {
            var rows = connection.createStatement().executeQuery("SELECT to_regclass('flyway_schema_history')");
            assertThat(rows.next()).isTrue();
            assertThat(rows.getString(1)).isEqualTo("flyway_schema_history");
        }
    }
}
