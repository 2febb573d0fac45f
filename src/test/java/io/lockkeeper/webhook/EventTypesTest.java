package io.lockkeeper.webhook;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockkeeper.coordination.RunStatus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The types that can be asked for are those that are written. */
class EventTypesTest {
    /** How code writes to the audit trail, whose actions are types: a change of the planners, or SQL. */
    private static final Pattern ACTION = Pattern.compile(
            "new (?:Change\\.)?Audit\\(\\s*\"([a-z_]+)\"|'((?:token|webhook)_[a-z]+)', '\\{}'|audit\\(lock, \"([a-z_]+)\"");

    /** The same of the trigger on runs. */
    private static final Pattern TRIGGERED =
            Pattern.compile("(?m)THEN '([a-z_]+)'|ELSE '([a-z_]+)' END|^ *\\('([a-z_]+)', ");

    @Test
    void every_type_that_is_written_can_be_asked_for_and_no_other() throws IOException {
        Set<String> written = new TreeSet<>();
        try (Stream<Path> sources = Files.walk(Path.of("src/main/java"))) {
            for (Path source : sources.filter(Files::isRegularFile).toList()) {
                collect(ACTION, Files.readString(source), written);
            }
        }
        String newest = Files.readString(Path.of("db/migration/V8__terraform.sql"));
        int from = newest.indexOf("FUNCTION run_event()");
        String trigger = newest.substring(from, newest.indexOf("END $$;", from));
        collect(TRIGGERED, trigger, written);
        // A status that the trigger does not translate is a type.
        Set<RunStatus> translated = Set.of(
                RunStatus.IN_PROGRESS, RunStatus.SUCCESS, RunStatus.FAILURE, RunStatus.CANCELLED, RunStatus.PREEMPTED);
        for (RunStatus status : RunStatus.values()) {
            if (!translated.contains(status)) {
                written.add(status.label());
            }
        }

        assertThat(EventTypes.KNOWN).containsExactlyInAnyOrderElementsOf(written);
        assertThat(EventTypes.KNOWN).containsAll(EventTypes.USUAL);
    }

    @Test
    void page_says_what_a_webhook_is_told_of_when_it_does_not_say() throws IOException {
        var row = Pattern.compile("(?m)^\\| `events` \\| ([^|]+) \\|")
                .matcher(Files.readString(Path.of("docs/webhooks.md")));
        assertThat(row.find()).isTrue();
        assertThat(row.group(1).replace("`", "").split(", ")).containsExactlyInAnyOrderElementsOf(EventTypes.USUAL);
    }

    private static void collect(Pattern pattern, String text, Set<String> types) {
        pattern.matcher(text).results().forEach(match -> {
            for (int group = 1; group <= match.groupCount(); group++) {
                if (match.group(group) != null) {
                    types.add(match.group(group));
                }
            }
        });
    }
}
