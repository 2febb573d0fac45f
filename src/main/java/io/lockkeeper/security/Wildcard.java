package io.lockkeeper.security;

/** Patterns in which {@code *} stands for any characters, also for none, and everything else for itself. */
final class Wildcard {

    private Wildcard() {}

    /**
     * Whether the pattern fits the whole text. When characters do not fit, the last star seen takes one more; the stars before it need
     * not be tried again, so this takes at most the product of both lengths. A regular expression of many stars could take for ever.
     */
    static boolean matches(String pattern, String text) {
        var here = 0;
        var there = 0;
        var star = -1;
        var afterStar = 0;
        while (there < text.length()) {
            if (here < pattern.length() && pattern.charAt(here) == '*') {
                star = here++;
                afterStar = there;
            } else if (here < pattern.length() && pattern.charAt(here) == text.charAt(there)) {
                here++;
                there++;
            } else if (star >= 0) {
                here = star + 1;
                there = ++afterStar;
            } else {
                return false;
            }
        }
        return pattern.substring(here).chars().allMatch(character -> character == '*');
    }
}
