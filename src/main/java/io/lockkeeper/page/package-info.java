/**
 * The page for people: server-rendered, complete without script, and with script kept up to date by server-sent events.
 *
 * <p>What is live ({@link io.lockkeeper.page.Fragments}) is rendered once for all who look at it, so it contains nothing that is one viewer's own:
 * no form, no CSRF token, no button that some may press and others may not. Those are on pages that are rendered for whoever asks. What an action
 * comes to is decided and worded in {@code web}, for the API and for the page alike.
 */
@NullMarked
package io.lockkeeper.page;

import org.jspecify.annotations.NullMarked;
