package io.lockkeeper.coordination;

import java.util.Locale;

/** What a queued run promises about changes that are skipped in its favour. */
public enum Coverage {
    /** It deploys the sha it named, whatever is skipped meanwhile. */
    PINNED,
    /** When granted it deploys the sha that it is then told, which is the newest it covers. */
    LATEST;

    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    static Coverage of(String label) {
        return valueOf(label.toUpperCase(Locale.ROOT));
    }
}
