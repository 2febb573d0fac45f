package io.lockkeeper.security;

/** What became of the wish to end a token. */
public enum TokenRevocation {
    /** From now on every replica refuses it; it was revoked by this call or before. */
    REVOKED,
    /** No token ever had this id. */
    UNKNOWN
}
