package io.lockkeeper.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.TestDatabase;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;

/** What operators are told to do after a restore. */
class RestoreTest {
    private final JdbcClient jdbc = JdbcClient.create(TestDatabase.migrated().dataSource());

    @Test
    void numbers_that_were_given_out_after_the_backup_do_not_come_again() {
        Map<String, Long> inBackup = numbers();
        assertThat(inBackup).containsKeys("run_id_seq", "fencing_token", "event_id_seq");

        jdbc.sql(ConfigurationFile.on(Path.of("docs/operations.md"), "after-restore.sql"))
                .query()
                .listOfRows();

        assertThat(numbers())
                .allSatisfy((sequence, number) ->
                        assertThat(number).isGreaterThan(Objects.requireNonNull(inBackup.get(sequence)) + 1_000_000));
    }

    private Map<String, Long> numbers() {
        return jdbc.sql("SELECT sequencename FROM pg_sequences").query(String.class).list().stream()
                .collect(Collectors.toMap(sequence -> sequence, this::next));
    }

    private long next(String sequence) {
        return jdbc.sql("SELECT nextval(:sequence::regclass)")
                .param("sequence", sequence)
                .query(Long.class)
                .single();
    }
}
