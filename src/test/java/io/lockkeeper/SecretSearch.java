package io.lockkeeper;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Finds secrets in a text. Those that Lockkeeper made need not be known: API tokens, lock tokens and ID tokens have a form that nothing else has;
 * and a part of a lock token, or an encoded one, is known by its SHA-256, which the database keeps. Those that it was configured with are looked for as they are, in
 * base64 and in hexadecimal.
 */
final class SecretSearch {

    /** What may be a secret that Lockkeeper made, or an encoded one. */
    private static final Pattern WORD = Pattern.compile("[A-Za-z0-9_+/=.-]{43,}");

    private static final Map<String, Pattern> FORMS = Map.of(
            "an API token", Pattern.compile("lkt_[A-Za-z0-9_-]{43}"),
            "a lock token",
                    Pattern.compile("(?<![\\d.])[1-9]\\d{0,18}\\.[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048](?![A-Za-z0-9_-])"),
            "an ID token", Pattern.compile("eyJ[A-Za-z0-9_-]{8,}\\.eyJ[A-Za-z0-9_-]{8,}\\."));

    private static final Pattern BASE64_OF_32_BYTES =
            Pattern.compile("(?<![A-Za-z0-9_+/-])[A-Za-z0-9_+/-]{43}(?![A-Za-z0-9_+/-])");
    private static final Pattern HEX_OF_32_BYTES = Pattern.compile("(?<![0-9A-Fa-f])[0-9A-Fa-f]{64}(?![0-9A-Fa-f])");
    private static final Pattern LONG_BASE64 = Pattern.compile("[A-Za-z0-9_+/-]{56,}");
    private static final Pattern LONG_HEX = Pattern.compile("[0-9A-Fa-f]{86,}");

    private final Map<String, String> configured = new LinkedHashMap<>();
    private final Set<String> digests;

    /**
     * @param configured secrets as they are
     * @param digests SHA-256 of others, in lower-case hexadecimal
     */
    SecretSearch(Set<String> configured, Set<String> digests) {
        this.digests = digests;
        for (var secret : configured) {
            var bytes = secret.getBytes(StandardCharsets.UTF_8);
            this.configured.put(secret, "a configured secret");
            // The last characters of base64 depend on what follows the secret.
            var base64 = Base64.getEncoder().withoutPadding().encodeToString(bytes);
            this.configured.put(base64.substring(0, base64.length() - 2), "a configured secret in base64");
            this.configured.put(HexFormat.of().formatHex(bytes), "a configured secret in hexadecimal");
        }
    }

    /** Hashes that the database keeps, as PostgreSQL shows them. */
    static Set<String> digestsIn(String rows) {
        var digests = new HashSet<String>();
        Pattern.compile("\\\\x([0-9a-f]{64})\\b").matcher(rows).results().forEach(match -> digests.add(match.group(1)));
        return digests;
    }

    /** What was found in a line, without repeating it. */
    List<String> findIn(String line) {
        var found = new ArrayList<String>();
        configured.forEach((secret, what) -> {
            var at = line.indexOf(secret);
            if (at >= 0) {
                found.add(what + after(line, at));
            }
        });
        WORD.matcher(line)
                .results()
                .forEach(word -> inWord(word.group()).forEach(what -> found.add(what + after(line, word.start()))));
        return found;
    }

    private static String after(String line, int at) {
        return " after: " + line.substring(Math.max(0, at - 120), at);
    }

    private List<String> inWord(String word) {
        var found = new ArrayList<>(formsIn(word));
        BASE64_OF_32_BYTES.matcher(word).results().forEach(part -> {
            if (digests.contains(sha256(decoded(part.group())))) {
                found.add("the secret part of a lock token");
            }
        });
        HEX_OF_32_BYTES.matcher(word).results().forEach(part -> {
            if (digests.contains(sha256(HexFormat.of().parseHex(part.group())))) {
                found.add("the secret part of a lock token in hexadecimal");
            }
        });
        LONG_BASE64.matcher(word).results().forEach(part -> {
            // Where it begins in the word is not known, and matters.
            for (int skipped = 0; skipped < 4; skipped++) {
                for (var what :
                        formsIn(new String(decoded(part.group().substring(skipped)), StandardCharsets.ISO_8859_1))) {
                    found.add(what + " in base64");
                }
            }
        });
        LONG_HEX.matcher(word).results().forEach(part -> {
            var even = part.group().substring(0, part.group().length() / 2 * 2);
            for (var what : formsIn(new String(HexFormat.of().parseHex(even), StandardCharsets.ISO_8859_1))) {
                found.add(what + " in hexadecimal");
            }
        });
        return found;
    }

    private static List<String> formsIn(String text) {
        return FORMS.entrySet().stream()
                .filter(form -> form.getValue().matcher(text).find())
                .map(Map.Entry::getKey)
                .toList();
    }

    /** Either alphabet; what is too much for whole bytes is left out. */
    private static byte[] decoded(String base64) {
        var text = base64.replace('+', '-').replace('/', '_');
        return Base64.getUrlDecoder().decode(text.length() % 4 == 1 ? text.substring(0, text.length() - 1) : text);
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256", e);
        }
    }
}
