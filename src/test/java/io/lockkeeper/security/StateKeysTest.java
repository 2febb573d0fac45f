package io.lockkeeper.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockkeeper.database.StartupRefused;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where the keys of Terraform's states come from. */
class StateKeysTest {
    private static final String OLD = "an-old-key-that-has-leaked-by-now";
    private static final String NEW = "a-new-key-of-thirty-two-characters";

    @TempDir
    private Path directory;

    @Test
    void first_key_encrypts_and_each_is_found_by_its_id() {
        var old = StateKeys.read(List.of(OLD), null).first().orElseThrow();
        var keys = StateKeys.read(List.of(NEW, OLD), null);

        assertThat(keys.first().orElseThrow().id()).isNotEqualTo(old.id()).matches("[0-9a-f]{16}");
        assertThat(keys.find(old.id()).orElseThrow().content().getEncoded())
                .isEqualTo(old.content().getEncoded());
        assertThat(StateKeys.read(List.of(NEW), null).find(old.id())).isEmpty();
    }

    @Test
    void without_a_setting_and_a_directory_there_is_none() {
        assertThat(StateKeys.read(List.of(), null).first()).isEmpty();
    }

    @Test
    void key_is_made_once_for_an_own_database_and_only_its_owner_may_read_it() throws IOException {
        var made = StateKeys.read(List.of(), directory).first().orElseThrow();

        assertThat(StateKeys.read(List.of(), directory).first().orElseThrow().id())
                .isEqualTo(made.id());
        var file = directory.resolve("terraform-state-key");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        assertThat(made.toString()).doesNotContain(Files.readString(file).strip());
    }

    @Test
    void damaged_file_stops_the_start_and_is_not_replaced() throws IOException {
        var file = directory.resolve("terraform-state-key");
        Files.writeString(file, "short\n");

        assertThatThrownBy(() -> StateKeys.read(List.of(), directory))
                .isInstanceOf(StartupRefused.class)
                .hasMessageContaining("Restore it from a backup");
        assertThat(file).hasContent("short");
    }

    @Test
    void setting_that_makes_no_sense_stops_the_start_without_repeating_it() {
        var five = IntStream.range(0, 5).mapToObj(number -> NEW + number).toList();
        assertRefused(five, "must name 1 to 4 keys, and names 5");
        assertRefused(Collections.nCopies(2, NEW), "names a key twice");
        assertRefused(List.of(NEW, "too-short"), "unusable key at place 2");
        assertRefused(List.of("with a space in its thirty-two characters"), "unusable key at place 1");
    }

    private static void assertRefused(List<String> setting, String complaint) {
        assertThatThrownBy(() -> StateKeys.read(setting, null))
                .isInstanceOf(StartupRefused.class)
                .hasMessageContaining("LOCKKEEPER_TERRAFORM_STATE_KEYS")
                .hasMessageContaining(complaint)
                .hasMessageNotContaining(setting.getLast());
    }
}
