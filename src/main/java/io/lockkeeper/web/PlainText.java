package io.lockkeeper.web;

import jakarta.servlet.http.HttpServletRequest;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.http.InvalidMediaTypeException;
import org.springframework.http.MediaType;
import org.springframework.util.InvalidMimeTypeException;
import org.springframework.util.MimeTypeUtils;

/**
 * The flat form of an answer: one {@code key=value} a line. A value never contains a line break or another control
 * character, so that a line read by a shell, or appended to {@code $GITHUB_OUTPUT}, can neither start a second key nor
 * steer a terminal.
 */
final class PlainText {

    private PlainText() {}

    static String of(Map<String, ? extends @Nullable Object> members) {
        var lines = new StringBuilder();
        members.forEach((key, value) -> {
            if (value != null) {
                lines.append(key).append('=').append(oneLine(text(value))).append('\n');
            }
        });
        return lines.toString();
    }

    /**
     * Whether the client asks for text rather than JSON, by the rules that Spring follows for our other answers: the higher
     * quality wins, then the more specific range, then the one named first. No Accept, or one for anything, means JSON.
     */
    static boolean isPreferredBy(HttpServletRequest request) {
        for (var range : acceptedRanges(request)) {
            if (range.getQualityValue() > 0) {
                if (range.includes(MediaType.APPLICATION_JSON) || range.includes(MediaType.APPLICATION_PROBLEM_JSON)) {
                    return false;
                }
                if (range.includes(MediaType.TEXT_PLAIN)) {
                    return true;
                }
            }
        }
        return false;
    }

    private static List<MediaType> acceptedRanges(HttpServletRequest request) {
        var headers = request.getHeaders("Accept");
        if (headers == null) {
            return List.of();
        }
        try {
            var ranges = MediaType.parseMediaTypes(Collections.list(headers));
            MimeTypeUtils.sortBySpecificity(ranges);
            return ranges;
        } catch (InvalidMediaTypeException | InvalidMimeTypeException e) {
            return List.of();
        }
    }

    private static String text(Object value) {
        return switch (value) {
            case Instant instant -> instant.truncatedTo(ChronoUnit.SECONDS).toString();
            case Enum<?> constant -> constant.name().toLowerCase(Locale.ROOT);
            default -> value.toString();
        };
    }

    private static String oneLine(String value) {
        var line = new StringBuilder(value.length());
        value.codePoints()
                .forEach(character -> line.appendCodePoint(Text.Check.breaksALine(character) ? ' ' : character));
        return line.toString();
    }
}
