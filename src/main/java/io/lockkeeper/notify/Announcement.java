package io.lockkeeper.notify;

import io.lockkeeper.coordination.RunId;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.environment.LockGroup;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * The text of a NOTIFY: who sends it, then runs and lock groups, such as {@code 3f2c… r42 gproduction}.
 *
 * @param sender the replica, which need not hear itself
 */
record Announcement(UUID sender, List<RunId> runs, List<LockGroup> groups) {
    static final String CHANNEL = "lockkeeper";

    /** PostgreSQL takes less than 8000 bytes. */
    static final int MAX_LENGTH = 7900;

    static String word(RunId run) {
        return "r" + run;
    }

    static String word(LockGroup group) {
        return "g" + group;
    }

    /** Empty when the text is not one of ours. Words of a later version are passed over. */
    static Optional<Announcement> parse(String text) {
        String[] words = text.split(" ", -1);
        List<RunId> runs = new ArrayList<>();
        List<LockGroup> groups = new ArrayList<>();
        try {
            UUID sender = UUID.fromString(words[0]);
            for (int i = 1; i < words.length; i++) {
                if (words[i].startsWith("r")) {
                    runs.add(new RunId(Long.parseLong(words[i].substring(1))));
                } else if (words[i].startsWith("g") && EnvironmentName.isValid(words[i].substring(1))) {
                    groups.add(new LockGroup(words[i].substring(1)));
                }
            }
            return Optional.of(new Announcement(sender, runs, groups));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }
}
