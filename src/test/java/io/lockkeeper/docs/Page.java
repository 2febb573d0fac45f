package io.lockkeeper.docs;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A Markdown file, as far as its promises go: examples, links and headings.
 *
 * @param anchors what a link into this page may name after its {@code #}, by GitHub's rules
 * @param links the targets of its links, without those in code
 */
record Page(Path path, String text, List<Block> blocks, Set<String> anchors, List<String> links) {
    private static final Pattern FENCE = Pattern.compile("^\\s*```(\\w*)$");
    private static final Pattern SCENE = Pattern.compile("^<!-- given: [a-z-]+$");
    private static final Pattern HEADING = Pattern.compile("^#{1,6} (.+)$");
    private static final Pattern LINK = Pattern.compile("]\\(([^()\\s]+)\\)");
    private static final Set<String> NOT_OURS = Set.of("target", "node_modules");

    /**
     * A fenced block, or a comment that sets the scene for one.
     *
     * @param mark the comment on the line above a fenced block, empty when there is none; the comment's first line
     */
    record Block(int line, String mark, String language, String text) {}

    /** Every page of the repository. */
    static List<Page> all() {
        var root = Path.of("").toAbsolutePath();
        try (Stream<Path> files = Files.find(
                root, 8, (path, attributes) -> attributes.isRegularFile() && isOurs(root.relativize(path)))) {
            return files.map(root::relativize).sorted().map(Page::read).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean isOurs(Path path) {
        for (var part : path) {
            if (NOT_OURS.contains(part.toString()) || part.toString().startsWith(".")) {
                return false;
            }
        }
        return path.toString().endsWith(".md");
    }

    static Page read(Path path) {
        try {
            return parse(path, Files.readString(path));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Page parse(Path path, String text) {
        List<Block> blocks = new ArrayList<>();
        Set<String> anchors = new LinkedHashSet<>();
        Map<String, Integer> headings = new HashMap<>();
        List<String> links = new ArrayList<>();
        var lines = text.lines().toList();
        for (int i = 0; i < lines.size(); i++) {
            var fence = FENCE.matcher(lines.get(i));
            if (fence.matches()) {
                int begin = i + 1;
                do {
                    i++;
                } while (i < lines.size() && !lines.get(i).strip().equals("```"));
                String mark = begin > 1 ? lines.get(begin - 2).strip() : "";
                blocks.add(new Block(begin, mark, fence.group(1), String.join("\n", lines.subList(begin, i)) + "\n"));
                continue;
            }
            if (SCENE.matcher(lines.get(i)).matches()) {
                int begin = i + 1;
                do {
                    i++;
                } while (i < lines.size() && !lines.get(i).strip().equals("-->"));
                blocks.add(
                        new Block(begin, lines.get(begin - 1), "", String.join("\n", lines.subList(begin, i)) + "\n"));
                continue;
            }
            var heading = HEADING.matcher(lines.get(i));
            if (heading.matches()) {
                var anchor = anchor(heading.group(1));
                int times = headings.merge(anchor, 1, Integer::sum);
                anchors.add(times == 1 ? anchor : anchor + "-" + (times - 1));
            }
            var withoutCode = lines.get(i).replaceAll("`[^`]*`", "");
            LINK.matcher(withoutCode).results().forEach(link -> links.add(link.group(1)));
        }
        return new Page(path, text, List.copyOf(blocks), anchors, List.copyOf(links));
    }

    /** What GitHub makes of a heading: lower case, spaces to hyphens, no other punctuation. */
    private static String anchor(String heading) {
        return heading.toLowerCase(Locale.ROOT)
                .replaceAll("[^\\p{L}\\p{N} _-]", "")
                .replace(' ', '-');
    }

    /** The examples of this page, in the order in which they stand there; those of one name are one story. */
    List<Story> stories() {
        Map<String, Story> stories = new java.util.LinkedHashMap<>();
        Story last = null;
        for (var block : blocks) {
            if (block.mark().startsWith("<!-- given:")) {
                var name = block.mark().replace("<!-- given: ", "");
                stories.computeIfAbsent(name, story -> new Story(this, story)).set(block);
            } else if (block.mark().startsWith("<!-- test:")) {
                var mark = Story.Mark.of(block.mark(), path + ":" + block.line());
                last = stories.computeIfAbsent(mark.story(), name -> new Story(this, name));
                last.add(block, mark.inBackground());
            } else if (block.mark().equals("<!-- output -->")) {
                if (last == null) {
                    throw new IllegalStateException(path + ":" + block.line() + " is the output of nothing");
                }
                last.expect(block);
            }
        }
        return List.copyOf(stories.values());
    }
}
