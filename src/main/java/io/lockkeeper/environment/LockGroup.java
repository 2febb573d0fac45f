package io.lockkeeper.environment;

/**
 * The thing that is locked: at most one run holds a lock group at a time.
 *
 * @param name follows the rule of environment names
 */
public record LockGroup(String name) implements Comparable<LockGroup> {
    public LockGroup {
        if (!EnvironmentName.isValid(name)) {
            throw new IllegalArgumentException("lock group name " + EnvironmentName.RULE);
        }
    }

    @Override
    public int compareTo(LockGroup other) {
        return name.compareTo(other.name);
    }

    @Override
    public String toString() {
        return name;
    }
}
