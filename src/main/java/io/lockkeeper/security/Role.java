package io.lockkeeper.security;

/** What a token is for. Each role includes those before it. */
public enum Role {
    VIEW,
    DEPLOY,
    ADMIN;

    public boolean includes(Role needed) {
        return compareTo(needed) >= 0;
    }
}
