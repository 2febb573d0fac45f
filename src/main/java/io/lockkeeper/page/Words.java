package io.lockkeeper.page;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** How the page writes what people read. The page's script writes durations in the same way, second by second. */
final class Words {

    private static final DateTimeFormatter AT =
            DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss", Locale.ROOT).withZone(ZoneOffset.UTC);
    private static final int SHOWN_OF_SHA = 12;

    private Words() {}

    /** Such as {@code 45 s}, {@code 5 min 25 s}, {@code 2 h 05 min} or {@code 3 d 4 h}. */
    static String duration(Duration duration) {
        long seconds = Math.max(0, duration.toSeconds());
        if (seconds < 60) {
            return seconds + " s";
        }
        if (seconds < 3600) {
            return seconds / 60 + " min " + padded(seconds % 60) + " s";
        }
        return seconds < 86_400
                ? seconds / 3600 + " h " + padded(seconds % 3600 / 60) + " min"
                : seconds / 86_400 + " d " + seconds % 86_400 / 3600 + " h";
    }

    static String duration(long seconds) {
        return duration(Duration.ofSeconds(seconds));
    }

    private static String padded(long number) {
        return number < 10 ? "0" + number : Long.toString(number);
    }

    /** In UTC, which is said once on each page. */
    static String at(Instant instant) {
        return AT.format(instant);
    }

    /** A status as people say it: {@code timed out}. */
    static String status(String label) {
        return label.replace('_', ' ');
    }

    static @Nullable String sha(@Nullable String sha) {
        return sha == null || sha.length() <= SHOWN_OF_SHA ? sha : sha.substring(0, SHOWN_OF_SHA);
    }

    static String percent(@Nullable Double rate) {
        return rate == null ? "–" : String.format(Locale.ROOT, "%.0f %%", rate * 100);
    }

    static String count(long number, String noun) {
        return number + " " + noun + (number == 1 ? "" : "s");
    }

    static String who(@Nullable String user) {
        return user == null ? "somebody" : user;
    }
}
