package io.lockkeeper.web;

import java.io.IOException;
import org.springframework.core.io.support.PathMatchingResourcePatternResolver;

/** Where the files of a browser's library lie in its jar. */
public final class Webjar {

    private Webjar() {}

    /**
     * The directory of a library's file, as a resource location. The path bears the version, which is written in one place, the POM.
     *
     * @param library the jar's name
     * @param file a path in the jar, below the version
     */
    public static String location(String library, String file) {
        try {
            var found = new PathMatchingResourcePatternResolver()
                    .getResources("classpath*:META-INF/resources/webjars/" + library + "/*/" + file);
            if (found.length == 0) {
                throw new IllegalStateException("The jar of " + library + " is missing from the class path");
            }
            var address = found[0].getURL().toString();
            return address.substring(0, address.lastIndexOf('/') + 1);
        } catch (IOException e) {
            throw new IllegalStateException("The jar of " + library + " cannot be read", e);
        }
    }
}
