package io.lockkeeper.monitoring;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;

/** The page about monitoring, whose configuration files are checked, and used, as they stand there. */
public final class MonitoringPage {
    static final Path FILE = Path.of("docs/monitoring.md");

    private MonitoringPage() {}

    /**
     * A configuration file on the page.
     *
     * @param name what the comment above it says after {@code checked:}
     */
    public static String file(String name) {
        var block = Pattern.compile("<!-- checked: " + Pattern.quote(name) + " -->\n```yaml\n(.*?)```", Pattern.DOTALL)
                .matcher(text());
        if (!block.find()) {
            throw new AssertionError(FILE + " has no " + name);
        }
        return block.group(1);
    }

    static String text() {
        try {
            return Files.readString(FILE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
