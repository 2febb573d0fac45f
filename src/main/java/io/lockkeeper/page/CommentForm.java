package io.lockkeeper.page;

import io.lockkeeper.web.Text;
import org.jspecify.annotations.Nullable;

/** What somebody says along, or nothing. */
record CommentForm(@Text(max = 1000) @Nullable String comment) {

    @Nullable
    String said() {
        return comment == null || comment.isBlank() ? null : comment;
    }
}
