package io.lockkeeper.helm;

import com.marcnuri.helm.Helm;
import com.marcnuri.helm.LintResult;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.StreamSupport;
import org.springframework.util.FileSystemUtils;
import org.yaml.snakeyaml.Yaml;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code helm/lockkeeper}, and what Helm makes of it. */
public final class Chart {
    static final Path DIRECTORY = Path.of("helm/lockkeeper");

    /** The oldest Kubernetes that the chart is for; Helm as a library takes a much older one unless it is told. */
    static final String KUBERNETES = "1.30.0";

    private static final String RELEASE = "lockkeeper";
    private static final String NAMESPACE = "tools";
    private static final String HOOK = "helm.sh/hook";
    private static final String NO_HOOK = "not-" + HOOK;

    private Chart() {}

    static LintResult lint() {
        return new Helm(DIRECTORY).lint().strict().call();
    }

    /**
     * What {@code helm template} prints, hooks included, each object after a comment that names its template.
     *
     * @param values like a file given with {@code --values}; empty for the defaults
     * @throws IllegalStateException with what Helm says when it refuses
     */
    public static String render(String values) {
        // Helm as a library leaves hooks out, so it renders a copy of the chart in which it knows none.
        try (var copy = new TemporaryDirectory()) {
            FileSystemUtils.copyRecursively(DIRECTORY, copy.path());
            try (var templates = Files.list(copy.path().resolve("templates"))) {
                for (Path template : templates.toList()) {
                    Files.writeString(template, Files.readString(template).replace(HOOK, NO_HOOK));
                }
            }
            return new Helm(copy.path())
                    .template()
                    .withName(RELEASE)
                    .withNamespace(NAMESPACE)
                    .withKubeVersion(KUBERNETES)
                    .withValuesFile(Files.writeString(copy.path().resolve("given.yaml"), values))
                    .call()
                    .replace(NO_HOOK, HOOK);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What Helm tells whoever installs the chart. */
    static String notes(String values) {
        try (var directory = new TemporaryDirectory()) {
            String output = new Helm(DIRECTORY)
                    .install()
                    .withName(RELEASE)
                    .withNamespace(NAMESPACE)
                    .withKubeVersion(KUBERNETES)
                    .withValuesFile(Files.writeString(directory.path().resolve("given.yaml"), values))
                    .clientOnly()
                    .dryRun()
                    .call()
                    .getOutput();
            return output.substring(output.indexOf("NOTES:\n") + "NOTES:\n".length());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The objects of a rendering, in its order. */
    public static List<JsonNode> objects(String rendering) {
        var json = new JsonMapper();
        return StreamSupport.stream(new Yaml().loadAll(rendering).spliterator(), false)
                .<JsonNode>map(json::valueToTree)
                .filter(JsonNode::isObject)
                .toList();
    }

    static JsonNode read(String file) {
        return new JsonMapper().valueToTree(new Yaml().load(text(file)));
    }

    static String text(String file) {
        try {
            return Files.readString(DIRECTORY.resolve(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private record TemporaryDirectory(Path path) implements AutoCloseable {
        TemporaryDirectory() throws IOException {
            this(Files.createTempDirectory("chart"));
        }

        @Override
        public void close() throws IOException {
            FileSystemUtils.deleteRecursively(path);
        }
    }
}
