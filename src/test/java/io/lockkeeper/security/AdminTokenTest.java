package io.lockkeeper.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

@ExtendWith(OutputCaptureExtension.class)
class AdminTokenTest {

    @TempDir
    private Path directory;

    @Test
    void the_first_start_makes_a_token_that_only_its_owner_can_read(CapturedOutput output) throws IOException {
        var data = directory.resolve("new/.lockkeeper");
        var token = new AdminTokenFile(data).readOrMake();

        var text = Files.readString(data.resolve("admin-token"));
        assertThat(text).matches("lkt_[A-Za-z0-9_-]{43}\n");
        assertThat(token.matches(text.strip())).isTrue();
        assertThat(permissions(data)).isEqualTo("rwx------");
        assertThat(permissions(data.resolve("admin-token"))).isEqualTo("rw-------");
        try (var files = Files.list(data)) {
            assertThat(files).containsExactly(data.resolve("admin-token"));
        }
        assertThat(output)
                .contains("The admin token is in " + data.resolve("admin-token"))
                .doesNotContain(text.strip());
    }

    @Test
    void the_next_start_finds_the_same_token() throws IOException {
        new AdminTokenFile(directory).readOrMake();
        var text = Files.readString(directory.resolve("admin-token")).strip();
        assertThat(new AdminTokenFile(directory).readOrMake().matches(text)).isTrue();
    }

    @Test
    void deleted_file_makes_the_next_start_make_another_token_and_refuse_the_old_one() throws IOException {
        new AdminTokenFile(directory).readOrMake();
        var lost = Files.readString(directory.resolve("admin-token")).strip();
        Files.delete(directory.resolve("admin-token"));

        var token = new AdminTokenFile(directory).readOrMake();

        assertThat(token.matches(lost)).isFalse();
        assertThat(token.matches(
                        Files.readString(directory.resolve("admin-token")).strip()))
                .isTrue();
    }

    @Test
    void services_that_start_at_once_in_one_directory_agree_on_a_token() throws Exception {
        var services = 8;
        var barrier = new CyclicBarrier(services);
        var tokens = new HashSet<String>();
        try (var threads = Executors.newFixedThreadPool(services)) {
            var starts = IntStream.range(0, services)
                    .mapToObj(_ -> (Callable<AdminToken>) () -> {
                        barrier.await();
                        return new AdminTokenFile(directory).readOrMake();
                    })
                    .toList();
            for (var start : threads.invokeAll(starts)) {
                tokens.add(HexFormat.of()
                        .formatHex(start.get()
                                .deriveKey("comparison", "HmacSHA256")
                                .getEncoded()));
            }
        }
        assertThat(tokens).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "\n",
                "short",
                "with a space in it",
                "\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000"
            })
    void a_damaged_file_is_refused_and_left_alone(String content) throws IOException {
        Files.writeString(directory.resolve("admin-token"), content);
        assertThatExceptionOfType(AdminTokenRefused.class)
                .isThrownBy(() -> new AdminTokenFile(directory).readOrMake())
                .withMessage("The file %s does not hold an admin token: it is empty or damaged."
                        .formatted(directory.resolve("admin-token")));
        assertThat(Files.readString(directory.resolve("admin-token"))).isEqualTo(content);
    }

    @Test
    void a_directory_that_cannot_be_made_is_refused() throws IOException {
        Files.writeString(directory.resolve("file"), "");
        assertThatExceptionOfType(AdminTokenRefused.class)
                .isThrownBy(() -> new AdminTokenFile(directory.resolve("file/.lockkeeper")).readOrMake())
                .withMessageContaining("cannot be read or made");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "fifteen-letters",
                "with a space in it",
                "tab\tin-the-middle-of-it",
                "umlaut-in-the-token-\u00fc"
            })
    void an_unusable_token_in_the_environment_is_refused_by_name_and_not_repeated(String token) {
        assertThatExceptionOfType(AdminTokenRefused.class)
                .isThrownBy(() -> new SecurityConfiguration().adminToken(properties(token)))
                .withMessageContaining("LOCKKEEPER_ADMIN_TOKEN (property lockkeeper.admin-token)")
                .satisfies(refused -> assertThat(
                                token.isEmpty() || !refused.toString().contains(token))
                        .isTrue());
        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void a_token_in_the_environment_is_used_and_no_file_is_made() {
        var token = new SecurityConfiguration().adminToken(properties("sixteen-letters!"));
        assertThat(token.matches("sixteen-letters!")).isTrue();
        assertThat(token.matches("sixteen-letters?")).isFalse();
        assertThat(token.matches("sixteen-letters!!")).isFalse();
        assertThat(token.matches("")).isFalse();
        assertThat(directory).isEmptyDirectory();
    }

    private SecurityProperties properties(String token) {
        return new SecurityProperties(token, List.of(LockTokenKeys.OF_ADMIN_TOKEN), directory.toString());
    }

    private static String permissions(Path path) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
    }
}
