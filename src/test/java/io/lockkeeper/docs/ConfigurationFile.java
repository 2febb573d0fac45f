package io.lockkeeper.docs;

import java.nio.file.Path;

/** Files that a page has its readers write, so that tests can use them as they stand there. */
public final class ConfigurationFile {
    private ConfigurationFile() {}

    /**
     * The block of a page that is marked with the file's name.
     *
     * @param name what the comment above it says after {@code checked:}
     */
    public static String on(Path page, String name) {
        return Page.read(page).blocks().stream()
                .filter(block -> block.mark().equals("<!-- checked: " + name + " -->"))
                .findFirst()
                .orElseThrow(() -> new AssertionError(page + " has no " + name))
                .text();
    }
}
