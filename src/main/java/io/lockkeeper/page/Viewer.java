package io.lockkeeper.page;

import io.lockkeeper.security.Caller;
import io.lockkeeper.security.Role;
import java.util.Locale;

/** Who looks at the page, as its head says it. */
record Viewer(String name, String role, boolean mayFreezeAll) {

    static Viewer of(Caller caller) {
        return new Viewer(
                caller.name(), caller.role().name().toLowerCase(Locale.ROOT), caller.mayEverywhere(Role.ADMIN));
    }
}
