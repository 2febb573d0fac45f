package io.lockkeeper.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DatabaseAddressTest {

    @ParameterizedTest
    @CsvSource({
        "postgresql://ann:pw@db.example.com:6432/locks, db.example.com:6432/locks",
        "postgres://ann:pw@db.example.com/locks, db.example.com:5432/locks",
        "postgresql://ann:pw@db.example.com, db.example.com:5432/ann",
        "postgresql://ann:pw@[2001:db8::1]:6432/locks, [2001:db8::1]:6432/locks",
        "postgresql://ann:pw@[::1]/locks, [::1]:5432/locks",
        "'postgresql://ann:pw@one:1,two:2/locks', 'one:1,two:2/locks'",
        "postgresql:///locks?user=ann&password=pw, localhost:5432/locks",
        "jdbc:postgresql://db/locks?user=ann&password=pw, db:5432/locks",
        "jdbc:postgresql://ann:pw@db/locks, db:5432/locks",
    })
    void place_and_credentials_are_read(String url, String shown) {
        var address = read(url);
        assertThat(address.shown()).isEqualTo(shown);
        assertThat(address.user()).isEqualTo("ann");
        assertThat(address.password()).isEqualTo("pw");
    }

    @Test
    void user_and_password_are_percent_decoded_and_a_plus_is_a_plus() {
        var address = read("postgresql://a%40nn:p%3A%2F%25+w%C3%A9@db/locks");
        assertThat(address.user()).isEqualTo("a@nn");
        assertThat(address.password()).isEqualTo("p:/%+wé");
    }

    @Test
    void separate_user_and_password_win_over_those_in_the_url() {
        var address = DatabaseAddress.parse("LOCKKEEPER_DATABASE_URL", "postgresql://ann:pw@db/locks", "bob", "other");
        assertThat(address.user()).isEqualTo("bob");
        assertThat(address.password()).isEqualTo("other");
    }

    @Test
    void pool_has_what_lockkeeper_needs_of_a_connection() {
        assertThat(read("postgresql://ann:pw@db/locks").poolUrl())
                .isEqualTo("jdbc:postgresql://db:5432/locks?ApplicationName=lockkeeper&connectTimeout=5"
                        + "&preferQueryMode=extended&socketTimeout=30&tcpKeepAlive=true");
    }

    @Test
    void parameters_of_the_url_win_except_for_the_query_mode() {
        assertThat(read("postgresql://db/locks?user=ann&sslmode=require&connect_timeout=3&socketTimeout=7"
                                + "&application_name=my+locks&preferQueryMode=simple&target_session_attrs=read-write")
                        .poolUrl())
                .isEqualTo("jdbc:postgresql://db:5432/locks?ApplicationName=my%2Blocks&connectTimeout=3"
                        + "&preferQueryMode=extended&socketTimeout=7&sslmode=require&targetServerType=primary"
                        + "&tcpKeepAlive=true");
    }

    @Test
    void migrations_may_take_long() {
        assertThat(read("postgresql://ann:pw@db/locks").migrationUrl()).doesNotContain("socketTimeout");
    }

    @Test
    void credentials_are_in_no_text() {
        var address = read("jdbc:postgresql://db/locks?user=ann&password=s3cret");
        assertThat(address.poolUrl() + address.migrationUrl() + address + address.shown())
                .doesNotContain("s3cret");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "   ",
                "s3cret",
                "jdbc:mysql://ann:s3cret@db/locks",
                "http://ann:s3cret@db/locks",
                "jdbc:postgresql:locks?password=s3cret",
                "postgresql://ann:s3cret@db:port/locks",
                "postgresql://ann:s3cret@db:0/locks",
                "postgresql://ann:s3cret@db:70000/locks",
                "postgresql://ann:s3/cret@db/locks",
                "postgresql://ann:1/s3cret@db/locks",
                "postgresql://ann:1?s3cret@db/locks",
                "postgresql://ann:s3cret%zz@db/locks",
                "postgresql://:s3cret@db",
                "postgresql://ann:s3cret@::1/locks",
                "postgresql://ann:s3cret@%2Fvar%2Frun/locks",
                "postgresql://ann@db/locks?s3cret",
            })
    void malformed_url_is_refused_by_the_name_of_its_setting_and_never_repeated(String url) {
        assertThatThrownBy(() -> read(url))
                .isInstanceOf(StartupRefused.class)
                .hasMessageStartingWith("LOCKKEEPER_DATABASE_URL is not the address of a PostgreSQL database: ")
                .hasMessageNotContaining("s3cret")
                .hasMessageNotContaining("cret@");
    }

    private static DatabaseAddress read(String url) {
        return DatabaseAddress.parse("LOCKKEEPER_DATABASE_URL", url, null, null);
    }
}
