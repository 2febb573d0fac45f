package io.lockkeeper.metrics;

/** Label names, and the values that stand for what has none of its own. */
final class Labels {
    static final String ENVIRONMENT = "environment";
    static final String TIER = "tier";
    static final String OUTCOME = "outcome";
    static final String STATUS = "status";
    static final String CODE = "code";

    /** Everything beyond a bound. No environment can have this name. */
    static final String OTHER = "_other";

    /** A run without a tier. */
    static final String NONE = "none";

    private Labels() {}
}
