package io.lockkeeper.environment;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.scheduling.support.CronExpression;

/**
 * A time that comes again and again and in which nothing is granted, such as every Friday from 16:00 for eight hours.
 *
 * @param cron when it begins: {@code minute hour day-of-month month day-of-week}, or six fields with seconds first
 * @param timeZone in which the cron expression is read, such as {@code Europe/Berlin}
 * @param duration a minute to 31 days, in real time: a window over a change of the clocks is as long as any other
 * @param reason for those who wait
 */
public record FreezeWindow(String cron, String timeZone, Duration duration, String reason) {
    public static final Duration SHORTEST = Duration.ofMinutes(1);
    public static final Duration LONGEST = Duration.ofDays(31);

    /** Windows that follow each other without a gap are one freeze; a chain that is longer than this is told in parts. */
    private static final int LONGEST_CHAIN = 100;

    public FreezeWindow {
        if (!isCron(cron) || !isTimeZone(timeZone)) {
            throw new IllegalArgumentException("not a cron expression in a time zone: " + cron + " in " + timeZone);
        }
        if (duration.compareTo(SHORTEST) < 0 || duration.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException("a freeze window lasts a minute to 31 days");
        }
    }

    public static boolean isCron(String cron) {
        String whole = withSeconds(cron);
        // One that never comes, such as the 31st of February, is a slip; from which day on does not matter.
        return CronExpression.isValidExpression(whole)
                && CronExpression.parse(whole).next(Instant.EPOCH.atZone(ZoneOffset.UTC)) != null;
    }

    public static boolean isTimeZone(String name) {
        try {
            ZoneId.of(name);
            return true;
        } catch (DateTimeException e) {
            return false;
        }
    }

    private static String withSeconds(String cron) {
        String trimmed = cron.trim();
        return trimmed.split("\\s+").length == 5 ? "0 " + trimmed : trimmed;
    }

    /** The end of the freeze that {@code at} is in; empty when it is in none. The window begins with its first instant and ends before its last. */
    public Optional<Instant> endIfWithin(Instant at) {
        CronExpression starts = CronExpression.parse(withSeconds(cron));
        Instant start = after(starts, at.minus(duration));
        if (start == null || start.isAfter(at)) {
            return Optional.empty();
        }
        Instant end = start.plus(duration);
        for (int i = 0; i < LONGEST_CHAIN; i++) {
            Instant next = after(starts, Objects.requireNonNull(start));
            if (next == null || next.isAfter(end)) {
                break;
            }
            start = next;
            end = next.plus(duration);
        }
        return Optional.of(end);
    }

    private @Nullable Instant after(CronExpression starts, Instant instant) {
        ZonedDateTime next = starts.next(instant.atZone(ZoneId.of(timeZone)));
        return next == null ? null : next.toInstant();
    }
}
