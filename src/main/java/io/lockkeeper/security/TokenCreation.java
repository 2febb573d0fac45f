package io.lockkeeper.security;

/** What became of the wish for a token. */
public sealed interface TokenCreation {

    /**
     * It is stored.
     *
     * @param secret what its bearer is to send. Nobody can find it out again, so it is shown now or never.
     */
    record Created(ApiToken token, String secret) implements TokenCreation {

        /** A secret has no place in a log. */
        @Override
        public String toString() {
            return "Created[token=" + token + ", secret=hidden]";
        }
    }

    /** A live token has this name already. */
    record NameTaken() implements TokenCreation {}
}
