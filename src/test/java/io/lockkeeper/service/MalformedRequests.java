package io.lockkeeper.service;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Requests of which each has at least one thing wrong that nothing else in it can heal, so that none of them may change anything. Whatever
 * else is in it may be right or wrong. The same seed and number make the same request.
 */
final class MalformedRequests {

    /**
     * A request as it goes over the wire.
     *
     * @param kind what is wrong with it
     * @param changes whether it would change something, were it not for that
     * @param mayStayUnanswered whether it is so broken that a server may just close the connection
     */
    @SuppressWarnings("ArrayRecordComponent") // Goes over the wire as it is; nobody compares two.
    record Malformed(Kind kind, byte[] bytes, boolean changes, boolean mayStayUnanswered) {

        /** Printable, to paste into a test. */
        @Override
        public String toString() {
            var shown = new String(bytes, StandardCharsets.ISO_8859_1);
            var text = new StringBuilder(kind + ": ");
            shown.chars().limit(1500).forEach(c -> {
                switch (c) {
                    case '\r' -> text.append("\\r");
                    case '\n' -> text.append("\\n");
                    default -> text.append(c >= ' ' && c < 0x7f ? "" + (char) c : "\\u%04x".formatted(c));
                }
            });
            return text.append(bytes.length > 1500 ? "… (" + bytes.length + " bytes)" : "")
                    .toString();
        }
    }

    /** What is wrong. */
    enum Kind {
        BODY,
        PATH,
        QUERY,
        HEADERS,
        FRAMING,
        METHOD,
        TOKEN,
        BYTES
    }

    /** Fields of bodies, by what they take. */
    private enum Type {
        TEXT,
        NUMBER,
        TRUTH,
        WORD,
        LIST
    }

    private record Call(String method, String path, String body, Map<String, Type> fields) {}

    private static final Map<String, Type> ACQUIRE = Map.ofEntries(
            Map.entry("environments", Type.LIST),
            Map.entry("mode", Type.WORD),
            Map.entry("wait_seconds", Type.NUMBER),
            Map.entry("queue_timeout_seconds", Type.NUMBER),
            Map.entry("lease_seconds", Type.NUMBER),
            Map.entry("batch", Type.TRUTH),
            Map.entry("coverage", Type.WORD),
            Map.entry("priority", Type.WORD),
            Map.entry("sha", Type.TEXT),
            Map.entry("ref", Type.TEXT),
            Map.entry("repository", Type.TEXT),
            Map.entry("title", Type.TEXT),
            Map.entry("tier", Type.TEXT),
            Map.entry("reason", Type.TEXT),
            Map.entry("user", Type.TEXT),
            Map.entry("hostname", Type.TEXT),
            Map.entry("pid", Type.NUMBER),
            Map.entry("command", Type.TEXT),
            Map.entry("source", Type.TEXT),
            Map.entry("run_url", Type.TEXT));

    private static final Map<String, Type> POLICY = Map.ofEntries(
            Map.entry("lock_group", Type.TEXT),
            Map.entry("lease_seconds", Type.NUMBER),
            Map.entry("queue_timeout_seconds", Type.NUMBER),
            Map.entry("max_hold_seconds", Type.NUMBER),
            Map.entry("batch_threshold", Type.NUMBER),
            Map.entry("batch_window_seconds", Type.NUMBER),
            Map.entry("queue_mode", Type.WORD),
            Map.entry("cancel_in_progress", Type.TRUTH),
            Map.entry("approvals_required", Type.NUMBER),
            Map.entry("approvers", Type.LIST),
            Map.entry("approval_timeout_seconds", Type.NUMBER),
            Map.entry("promote_from", Type.TEXT),
            Map.entry("on_failure", Type.WORD),
            Map.entry("health_url", Type.TEXT),
            Map.entry("protected", Type.TRUTH),
            Map.entry("freeze_windows", Type.LIST));

    private static final Map<String, Type> REASON = Map.of("reason", Type.TEXT);

    /** What changes something when nothing is wrong with it. {@code RUN} becomes the holder's. */
    private static final List<Call> CHANGES = List.of(
            new Call("POST", "/api/environments/fuzz/acquire", "{\"sha\":\"a1b2c3d\",\"user\":\"zoë\"}", ACQUIRE),
            new Call("POST", "/api/acquire", "{\"environments\":[\"fuzz-1\",\"fuzz-2\"]}", ACQUIRE),
            new Call(
                    "POST",
                    "/api/runs/RUN/release",
                    "{\"status\":\"success\"}",
                    Map.of("status", Type.WORD, "deployed_sha", Type.TEXT)),
            new Call("POST", "/api/runs/RUN/cancel", "{\"reason\":\"enough\"}", REASON),
            new Call("PUT", "/api/admin/environments/fuzz", "{\"lease_seconds\":60}", POLICY),
            new Call("PUT", "/api/admin/environments/held/freeze", "{\"reason\":\"a feast\"}", REASON),
            new Call("PUT", "/api/admin/freeze", "{\"reason\":\"a feast\",\"duration_seconds\":60}", REASON),
            new Call("POST", "/api/admin/environments/held/acknowledge", "{\"reason\":\"seen\"}", REASON),
            new Call(
                    "POST",
                    "/api/admin/environments/held/force-release",
                    "{\"confirm\":\"held\",\"fencing_token\":1,\"reason\":\"it is stuck\",\"even_if_alive\":true}",
                    Map.of("confirm", Type.TEXT, "fencing_token", Type.NUMBER, "even_if_alive", Type.TRUTH)),
            new Call("POST", "/api/admin/runs/RUN/approve", "{\"comment\":\"fine\"}", Map.of("comment", Type.TEXT)),
            new Call("POST", "/api/admin/runs/RUN/reject", "{\"reason\":\"no\"}", REASON),
            new Call("POST", "/api/admin/runs/RUN/prioritize", "{\"reason\":\"urgent\"}", REASON),
            new Call(
                    "POST",
                    "/api/admin/tokens",
                    "{\"name\":\"fuzz\",\"role\":\"admin\"}",
                    Map.of("name", Type.TEXT, "role", Type.WORD, "environments", Type.LIST)));

    /** Paths with a place for a name, or for a number. */
    private static final List<Call> PLACES = List.of(
            place("POST", "/api/environments/NAME/acquire"),
            place("POST", "/api/environments/NAME/release"),
            place("GET", "/api/environments/NAME/lock"),
            place("GET", "/api/environments/NAME/queue-check"),
            place("GET", "/api/admin/environments/NAME"),
            place("PUT", "/api/admin/environments/NAME"),
            place("DELETE", "/api/admin/environments/NAME"),
            place("PUT", "/api/admin/environments/NAME/freeze"),
            place("DELETE", "/api/admin/environments/NAME/freeze"),
            place("POST", "/api/admin/environments/NAME/force-release"),
            place("GET", "/api/runs/NUMBER"),
            place("POST", "/api/runs/NUMBER/heartbeat"),
            place("POST", "/api/runs/NUMBER/cancel"),
            place("POST", "/api/admin/runs/NUMBER/approve"),
            place("DELETE", "/api/admin/tokens/NUMBER"),
            place("GET", "/NAME"),
            place("GET", "/api/NAME"),
            place("GET", "/actuator/NAME"),
            place("GET", "/client/NAME"));

    /** What only looks, with its parameters. */
    private static final Map<String, List<String>> LOOKS = Map.of(
            "/api/runs/RUN", List.of("wait_seconds", "until"),
            "/api/environments/held/lock", List.of("wait_seconds", "fencing_token"),
            "/api/environments/held/queue-check", List.of("repository", "ref", "priority"),
            "/api/admin/deployment-status", List.of("environment"),
            "/api/admin/deployments", List.of("environment", "status", "repository", "user", "before", "limit"),
            "/api/admin/stats", List.of("environment", "window"),
            "/api/admin/audit", List.of("environment", "actor", "action", "before", "limit"),
            "/api/admin/tokens", List.of("before", "limit"));

    private static final List<String> LOOK_PATHS =
            LOOKS.keySet().stream().sorted().toList();

    private final long seed;
    private final String token;
    private final String lockToken;
    private final String run;

    /**
     * @param token one that may do everything
     * @param lockToken of the run that must not be harmed
     */
    MalformedRequests(long seed, String token, String lockToken) {
        this.seed = seed;
        this.token = token;
        this.lockToken = lockToken;
        run = lockToken.substring(0, lockToken.indexOf('.'));
    }

    private static Call place(String method, String path) {
        return new Call(method, path, "{\"reason\":\"because\"}", Map.of());
    }

    Malformed request(int number) {
        return new Maker(new SplittableRandom(seed * 1_000_003 + number)).make();
    }

    private final class Maker {
        private final SplittableRandom random;

        private Maker(SplittableRandom random) {
            this.random = random;
        }

        private Malformed make() {
            return switch (random.nextInt(20)) {
                case 0, 1, 2, 3, 4, 5, 6 -> body();
                case 7, 8, 9, 10 -> path();
                case 11, 12 -> query();
                case 13, 14, 15 -> headers();
                case 16 -> framing();
                case 17 -> method();
                case 18 -> token();
                default -> bytes();
            };
        }

        /** The right call with a body that is wrong, in a frame that is right. */
        private Malformed body() {
            var call = one(CHANGES);
            var type = "application/json";
            var encoding = "";
            byte[] body;
            switch (random.nextInt(14)) {
                case 0 -> body = utf8(truncated(call.body()));
                case 1 -> body = utf8(call.body() + one("}", "x", "[]", ",{}", " null", "\u0000", call.body()));
                case 2 -> body = utf8(one(notAnObject()));
                case 3 -> body = utf8(with(call.body(), quoted(text(40) + "¤") + ":" + json(3)));
                case 4, 5, 6, 7, 8 -> body = utf8(wrongValue(call));
                case 9 -> {
                    var first = call.body().substring(1, call.body().indexOf(':'));
                    body = utf8("{" + first + ":\"x\"," + call.body().substring(1));
                }
                case 10 -> body = notUtf8(call.body());
                case 11 ->
                    body = utf8(
                            with(call.body(), "\"reason\":\"" + "x".repeat(random.nextInt(66_000, 130_000)) + "\""));
                case 12 -> {
                    body = utf8(call.body());
                    type = one(
                            "text/plain",
                            "application/xml",
                            "application/x-www-form-urlencoded",
                            "multipart/form-data; boundary=x",
                            "multipart/form-data",
                            "application/octet-stream",
                            "nonsense",
                            "/",
                            "application/",
                            "application/json; charset=\"",
                            "*/*",
                            "",
                            "application/vnd." + "x".repeat(random.nextInt(1, 3000)));
                }
                default -> {
                    body = utf8(call.body());
                    encoding = "Content-Encoding: " + one("gzip", "deflate", "br", "x", "gzip, gzip", "\"") + "\r\n";
                }
            }
            var head =
                    line(call.method(), call.path().replace("RUN", run)) + "Content-Type: " + type + "\r\n" + encoding
                            + (call.path().contains("runs") && chance(2) ? "Lock-Token: " + lockToken + "\r\n" : "")
                            + (chance(3) ? noise() : "");
            return new Malformed(Kind.BODY, framed(head, body), true, false);
        }

        private byte[] framed(String head, byte[] body) {
            if (chance(5)) {
                var split = body.length == 0 ? 0 : random.nextInt(body.length);
                return join(
                        utf8(head + "Transfer-Encoding: chunked\r\n\r\n"),
                        chunk(Arrays.copyOfRange(body, 0, split)),
                        chunk(Arrays.copyOfRange(body, split, body.length)),
                        utf8("0\r\n\r\n"));
            }
            return join(utf8(head + "Content-Length: " + body.length + "\r\n\r\n"), body);
        }

        private static byte[] chunk(byte[] bytes) {
            return bytes.length == 0
                    ? bytes
                    : join(utf8(Integer.toHexString(bytes.length) + "\r\n"), bytes, utf8("\r\n"));
        }

        /** A part that begins as an object does and does not end is no JSON. */
        private String truncated(String body) {
            return body.substring(0, random.nextInt(1, body.length()));
        }

        private List<String> notAnObject() {
            return List.of(
                    "[]",
                    "[{}]",
                    "42",
                    "-0.0",
                    "true",
                    "\"{}\"",
                    "\"\"",
                    "nul",
                    "NaN",
                    "{]",
                    "}",
                    "'a'",
                    "{'a':1}",
                    "{a:1}",
                    "// no\n{}",
                    "/* no */ {}",
                    "{,}",
                    "{\"sha\":}",
                    "{\"sha\"}",
                    "{\"reason\":\"x\",}",
                    "[".repeat(random.nextInt(1, 60_000)),
                    "{\"a\":".repeat(random.nextInt(1, 10_000)),
                    "{\"reason\":" + "[".repeat(20_000) + "]".repeat(20_000) + "}",
                    "<xml/>",
                    "sha=a&ref=b",
                    text(60) + "¤");
        }

        private String wrongValue(Call call) {
            var names = call.fields().keySet().stream().sorted().toList();
            var name = one(names);
            var value = switch (call.fields().getOrDefault(name, Type.TEXT)) {
                case TEXT ->
                    one(
                            "1",
                            "-1.5e3",
                            "true",
                            "{}",
                            "[]",
                            "[\"a\"]",
                            "\"a\\nb\"",
                            "\"a\\u0000b\"",
                            "\"\\ud800\"",
                            "\"\\udc00\\ud800\"",
                            "\"a\\u2028b\"",
                            "\"a\\u0085b\"",
                            "\"\u0007\"",
                            "\"\\x41\"",
                            "\"\\u12\"",
                            "\"" + "é".repeat(random.nextInt(2001, 20_000)) + "\"",
                            json(4).replaceFirst("^(\"|null).*", "[{}]"));
                case NUMBER ->
                    one(
                            "-1",
                            "-2147483649",
                            "9223372036854775808",
                            "1e400",
                            "1.0",
                            "0.1",
                            "\"5\"",
                            "\"\"",
                            "true",
                            "[]",
                            "[5]",
                            "{}",
                            "NaN",
                            "Infinity",
                            "0x10",
                            "007",
                            "+1",
                            "1_000",
                            "--1",
                            "9".repeat(random.nextInt(30, 5000)),
                            "1e" + "9".repeat(random.nextInt(3, 30)));
                case TRUTH -> one("\"true\"", "0", "1", "\"\"", "[]", "{}", "yes", "TRUE", "\"on\"");
                case WORD ->
                    one(
                            "\"\"",
                            "\"WAIT\"",
                            "\"nonsense\"",
                            "0",
                            "1",
                            "true",
                            "[]",
                            "{}",
                            "\"wait \"",
                            quoted(text(30) + "¤"));
                case LIST ->
                    one(
                            "{}",
                            "\"fuzz\"",
                            "5",
                            "true",
                            "\"\"",
                            "[\"A\\n\"]",
                            "[null]",
                            "[[]]",
                            "[1]",
                            "[\"\"]",
                            "[" + "\"a\",".repeat(random.nextInt(101, 3000)) + "\"a\"]",
                            "[" + json(3).replaceFirst("^\".*", "7") + "]");
            };
            // Twice the same name would be wrong as well, but not in this way.
            return with(call.body().contains(quoted(name) + ":") ? "{}" : call.body(), quoted(name) + ":" + value);
        }

        /** The body is what it should be, but for bytes within a text that are no UTF-8. */
        private byte[] notUtf8(String body) {
            byte[] bad = one(List.of(
                    new byte[] {(byte) 0xff},
                    new byte[] {(byte) 0xc3, 0x28},
                    new byte[] {(byte) 0xc0, (byte) 0x80},
                    new byte[] {(byte) 0xed, (byte) 0xa0, (byte) 0x80},
                    new byte[] {(byte) 0xf8, (byte) 0x88, (byte) 0x80, (byte) 0x80, (byte) 0x80},
                    new byte[] {(byte) 0xf4, (byte) 0x90, (byte) 0x80, (byte) 0x80},
                    new byte[] {(byte) 0xe9}));
            return join(utf8("{\"comment\":\""), bad, utf8("\"," + body.substring(1)));
        }

        /** A path that names nothing that there can be. */
        private Malformed path() {
            var call = one(PLACES);
            var path = call.path().contains("NAME")
                    ? call.path().replace("NAME", noName())
                    : call.path().replace("NUMBER", noNumber());
            var body = call.method().equals("GET") ? new byte[0] : utf8(call.body());
            var head = line(call.method(), path)
                    + (body.length == 0 ? "" : "Content-Type: application/json\r\n")
                    + (chance(3) ? noise() : "");
            return new Malformed(Kind.PATH, framed(head, body), !call.method().equals("GET"), false);
        }

        private String noName() {
            return one(
                    "Production",
                    "-a",
                    "a-",
                    ".",
                    "..",
                    "...",
                    ".a",
                    "a%2e",
                    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
                    "%2E%2E",
                    "a%2Fb",
                    "a%5Cb",
                    "a\\b",
                    "a//b%",
                    "a;b=c",
                    ";",
                    "%3b",
                    "%00",
                    "a%00",
                    "%0d%0aX-Injected:%20yes",
                    "%0a",
                    "a%20b",
                    "+",
                    "*",
                    "**",
                    "{environment}",
                    "%7Benvironment%7D",
                    "$%7Bjndi:ldap:%2F%2Fx%7D",
                    "%24%7B7*7%7D",
                    "<script>alert(1)</script>",
                    "%3Cscript%3E",
                    "'%20OR%20'1'='1",
                    "%27%3B%20DROP%20TABLE%20run%3B--",
                    "%",
                    "%z",
                    "%zz",
                    "%u0041",
                    "%C3%28",
                    "%FF",
                    "%C0%AE%C0%AE",
                    "%ED%A0%80",
                    "%F0%9F%9A%80",
                    "%E2%80%AE",
                    "\u00e9",
                    "|",
                    "^",
                    "`",
                    "\"",
                    "#",
                    "A".repeat(random.nextInt(1, 6000)),
                    "a".repeat(random.nextInt(65, 6000)),
                    percentEncoded(text(20) + "¤"));
        }

        private String noNumber() {
            return one(
                    "abc",
                    "-1",
                    "0",
                    "1e3",
                    "1.0",
                    "NaN",
                    "null",
                    "true",
                    "99999999999999999999",
                    "9223372036854775807",
                    "9223372036854775808",
                    "-9223372036854775808",
                    "%2D1",
                    "1,2",
                    "1%00",
                    "1;x",
                    "%D9%A1%2E",
                    "--",
                    "0x",
                    "0xZ",
                    "%",
                    "9".repeat(random.nextInt(19, 5000)),
                    percentEncoded(text(10) + "¤"));
        }

        /** Looking with parameters that make no sense. Each may also be one that does: nothing changes by looking. */
        private Malformed query() {
            var path = one(LOOK_PATHS);
            var parameters = new ArrayList<String>();
            for (var i = random.nextInt(1, 5); i > 0; i--) {
                parameters.add(one(LOOKS.getOrDefault(path, List.of()))
                        + one("=", "=", "=", "=", "", "==", "[]=", "%00=", "=&=")
                        + one(
                                "",
                                "-1",
                                "61",
                                "1e9",
                                "99999999999999999999",
                                "9223372036854775807",
                                "%00",
                                "a%00b",
                                "%",
                                "%zz",
                                "%ED%A0%80",
                                "%FF",
                                "%0a",
                                "A",
                                "..",
                                "null",
                                "[]",
                                "{}",
                                "'--",
                                "%25",
                                "held,held",
                                "success,",
                                "0d",
                                "999999d",
                                "a".repeat(random.nextInt(1, 5000)),
                                percentEncoded(text(30))));
            }
            var head = line("GET", path.replace("RUN", run) + "?" + String.join(one("&", "&", ";", "&&"), parameters))
                    + (chance(3) ? noise() : "");
            return new Malformed(Kind.QUERY, utf8(head + "\r\n"), false, true);
        }

        /** Headers of all sorts, where they can do no harm. */
        private Malformed headers() {
            var isLook = chance(2);
            var path = isLook ? one(LOOK_PATHS).replace("RUN", run) : "/api/environments/Fuzz_/acquire";
            var head = new StringBuilder(line(isLook ? one("GET", "GET", "HEAD", "OPTIONS") : "POST", path));
            for (var i = random.nextInt(1, 8); i > 0; i--) {
                head.append(chance(3) ? brokenHeader() : noise());
            }
            return new Malformed(Kind.HEADERS, latin1(head + "\r\n"), !isLook, true);
        }

        private String brokenHeader() {
            return one(
                            "no colon",
                            ": empty",
                            " : x",
                            "a b: c",
                            "X-Bad\u0000: x",
                            "X-Bad: a\u0000b",
                            "X-Bad: a\u0007b",
                            "X-Bad: \u00e9\u00ff\u0080",
                            "X-Fold: a\r\n b",
                            "X-(bad): x",
                            "X-Bare: a\nX-Next: b",
                            "X-Bare: a\rb",
                            "Host: other",
                            "Host: a b",
                            "Host: [::1",
                            "Host:",
                            "Authorization: Bearer other",
                            "X-Large: " + "x".repeat(random.nextInt(1000, 30_000)),
                            IntStream.range(0, random.nextInt(1, 300))
                                    .mapToObj(i -> "X-" + i + ": " + i)
                                    .collect(Collectors.joining("\r\n")),
                            text(30) + ": " + text(30))
                    + "\r\n";
        }

        /** Headers that say something, right or wrong, that must not matter. */
        private String noise() {
            return one(
                            "Accept: "
                                    + one(
                                            "*/*",
                                            "text/plain",
                                            "text/html",
                                            "nonsense",
                                            "*/*;q=9",
                                            ";",
                                            "a/b;" + "c".repeat(2000)),
                            "Accept: " + "text/plain,".repeat(random.nextInt(1, 500)),
                            "Accept-Language: "
                                    + one("*", "xx-" + "y".repeat(500), "de;q=", "\u00e9", "-", "a,".repeat(300)),
                            "Accept-Encoding: " + one("gzip", "*;q=0", "x".repeat(1000)),
                            "Accept-Charset: " + one("utf-7", "*;q=2", "x"),
                            "X-Forwarded-For: " + one("::1", "a".repeat(3000), "1.2.3.4, nonsense"),
                            "X-Forwarded-Host: " + one("evil", "a b", "<x>"),
                            "X-Forwarded-Proto: " + one("https", "javascript", ""),
                            "X-Forwarded-Port: " + one("x", "-1", "999999"),
                            "X-Forwarded-Prefix: " + one("/x", "//evil", "%"),
                            "Forwarded: " + one("for=\"", "host=evil;proto=x", ";;;"),
                            "X-HTTP-Method-Override: DELETE",
                            "X-Original-URL: /api/admin/freeze",
                            "Origin: " + one("null", "http://evil", "%"),
                            "Access-Control-Request-Method: " + one("DELETE", "x y", ""),
                            "Referer: " + text(20).replaceAll("\\p{Cntrl}", ""),
                            "Cookie: "
                                    + one("a=b", "=", "JSESSIONID=x; JSESSIONID=y", "$Version=1; a", ";".repeat(1000)),
                            "Range: " + one("bytes=0-", "bytes=-1,0-0,99-1", "x"),
                            "If-None-Match: " + one("*", "\"", "W/"),
                            "If-Modified-Since: " + one("yesterday", "Thu, 99 Foo 9999 99:99:99 GMT"),
                            "Last-Event-ID: " + one("", "1", "1-1-1", "99999999999999999999-1", "\u00e9"),
                            "Idempotency-Key: " + one("\u00e9", "x".repeat(201), "a\tb"),
                            "Lock-Token: "
                                    + one(
                                            "",
                                            "1",
                                            "1.",
                                            run + "." + "A".repeat(43),
                                            "99999999999999999999.A",
                                            "..",
                                            "\u00e9"),
                            "TE: trailers",
                            "Trailer: Authorization",
                            "Via: x",
                            "Max-Forwards: -1",
                            "Date: never",
                            "Priority: u=9",
                            "Upgrade-Insecure-Requests: x",
                            "Sec-Fetch-Site: cross-site",
                            "traceparent: " + one("x", "00-" + "0".repeat(32) + "-" + "0".repeat(16) + "-zz"))
                    + "\r\n";
        }

        /** Where a body ends is said wrongly, on a path that is wrong as well: what is taken for the body must not matter. */
        private Malformed framing() {
            var frame = one(
                    "Content-Length: -1\r\n\r\n{}",
                    "Content-Length: x\r\n\r\n{}",
                    "Content-Length:\r\n\r\n{}",
                    "Content-Length: +2\r\n\r\n{}",
                    "Content-Length: 2, 2\r\n\r\n{}",
                    "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
                    "Content-Length: 99999999999999999999\r\n\r\n{}",
                    "Content-Length: 9223372036854775807\r\n\r\n{}",
                    "Content-Length: 500\r\n\r\n{\"sha\":",
                    "Content-Length: 65537\r\n\r\n{}",
                    "Content-Length: 1\r\n\r\n{}POST /api/environments/Smuggled/acquire HTTP/1.1\r\n\r\n",
                    "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\nGET /api/environments/Fuzz/lock HTTP/1.1\r\n\r\n",
                    "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
                    "Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
                    "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n",
                    "Transfer-Encoding: chunked\r\n\r\n7fffffff\r\n{}\r\n0\r\n\r\n",
                    "Transfer-Encoding: chunked\r\n\r\n2;" + "x".repeat(random.nextInt(1, 9000))
                            + "\r\n{}\r\n0\r\n\r\n",
                    "Transfer-Encoding: chunked\r\n\r\n2\r\n{}",
                    "Transfer-Encoding: chunked\r\n\r\n2\r\n{}0\r\n\r\n",
                    "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n" + "X: y\r\n".repeat(2000) + "\r\n",
                    "Transfer-Encoding: xchunked\r\n\r\n{}",
                    "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
                    "Transfer-Encoding: chunked, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
                    "Transfer-Encoding: \u000bchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
                    "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
                    "Expect: the-unexpected\r\nContent-Length: 2\r\n\r\n{}",
                    "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: x\r\n\r\n",
                    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n\r\n");
            var method = one("POST", "PUT", "DELETE", "GET", "HEAD");
            var head =
                    line(method, one("/api/environments/Fuzz_/acquire", "/api/runs/0/release", "/api/admin/tokens/0"))
                            + "Content-Type: application/json\r\n";
            return new Malformed(
                    Kind.FRAMING, latin1(head + frame), !method.equals("GET") && !method.equals("HEAD"), true);
        }

        /** Methods that no path has. */
        private Malformed method() {
            var method = one(
                    "PATCH",
                    "TRACE",
                    "CONNECT",
                    "LOCK",
                    "UNLOCK",
                    "PROPFIND",
                    "get",
                    "Post",
                    "GET\u00e9",
                    "G(T",
                    "",
                    "X".repeat(random.nextInt(1, 3000)));
            var path = chance(2)
                    ? one(CHANGES).path().replace("RUN", run)
                    : one(LOOK_PATHS).replace("RUN", run);
            return new Malformed(Kind.METHOD, latin1(line(method, path) + "\r\n"), true, true);
        }

        /** All is right but the token. */
        private Malformed token() {
            var call = one(CHANGES);
            var authorization = one(
                    "",
                    "Authorization:\r\n",
                    "Authorization: Bearer\r\n",
                    "Authorization: Bearer  \r\n",
                    "Authorization: Bearer " + token + "x\r\n",
                    "Authorization: Bearer " + token.substring(1) + "\r\n",
                    "Authorization: Bearer " + token + " " + token + "\r\n",
                    "Authorization: Bearer lkt_" + "A".repeat(43) + "\r\n",
                    "Authorization: Bearer " + "x".repeat(random.nextInt(1, 7000)) + "\r\n",
                    "Authorization: Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.\r\n",
                    "Authorization: Bearer null\r\n",
                    "Authorization: Bearer \u00e9\u00ff\r\n",
                    "Authorization: Bearer " + token.toUpperCase(Locale.ROOT) + "\r\n",
                    "Authorization: Basic " + token + "\r\n",
                    "Authorization: " + token + "\r\n",
                    "Authorization: Bearer," + token + "\r\n",
                    "Authorization: Bearer \"" + token + "\"\r\n",
                    "Authorization: Bearer x, Bearer " + token + "\r\n",
                    "Authorization: Bearer x\r\nAuthorization: Bearer " + token + "\r\n",
                    "X-Authorization: Bearer " + token + "\r\n",
                    "Cookie: token=" + token + "\r\n");
            var body = utf8(call.body());
            var head = call.method() + " " + call.path().replace("RUN", run) + " HTTP/1.1\r\nHost: localhost\r\n"
                    + "Connection: close\r\nContent-Type: application/json\r\nContent-Length: " + body.length + "\r\n"
                    + authorization + "\r\n";
            return new Malformed(Kind.TOKEN, join(latin1(head), body), true, false);
        }

        /** Hardly HTTP, or not at all. */
        private Malformed bytes() {
            var random200 = new byte[random.nextInt(1, 200)];
            random.nextBytes(random200);
            var bytes = one(List.of(
                    random200,
                    join(random200, utf8("\r\n\r\n")),
                    new byte[] {0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, (byte) 0xfc, 0x03, 0x03},
                    utf8("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
                    utf8("\r\n\r\n\r\n"),
                    utf8("GET /api/runs/1\r\n\r\n"),
                    utf8("GET  /api/runs/1 HTTP/1.1\r\n\r\n"),
                    utf8("GET /api/runs/1 HTTP/1.1 x\r\n\r\n"),
                    utf8("GET /api/runs/1 HTTP/9.9\r\nHost: x\r\n\r\n"),
                    utf8("GET /api/runs/1 HTCPCP/1.0\r\nHost: x\r\n\r\n"),
                    utf8("GET /api/runs/1 HTTP/1.1\r\n\r\n"),
                    utf8("GET /api/runs/1 HTTP/1.1\nHost: x\n\n"),
                    utf8("GET\u0000/ HTTP/1.1\r\n\r\n"),
                    utf8("GET http://evil/api/runs/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
                    utf8("GET http:// HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
                    utf8("GET * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
                    utf8("OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
                    utf8("CONNECT evil:443 HTTP/1.1\r\nHost: evil:443\r\n\r\n"),
                    utf8("GET /" + "a".repeat(random.nextInt(7000, 40_000)) + " HTTP/1.1\r\nHost: x\r\n\r\n"),
                    utf8("GET / HTTP/1.1\r\n" + "X: y\r\n".repeat(random.nextInt(100, 3000)) + "\r\n"),
                    utf8(line("GET", "/api/runs/" + run)),
                    utf8("GE"),
                    utf8("GET / HTTP/1.0\r\n\r\n"),
                    utf8(text(100) + "\r\n\r\n")));
            return new Malformed(Kind.BYTES, bytes, false, true);
        }

        private String line(String method, String path) {
            return method + " " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer "
                    + token + "\r\n";
        }

        private String json(int depth) {
            return switch (random.nextInt(depth > 0 ? 8 : 5)) {
                case 0 -> "null";
                case 1 -> Long.toString(random.nextLong());
                case 2 -> chance(2) ? "true" : "false";
                case 3 -> quoted(text(20));
                case 4 -> Double.toString(random.nextDouble());
                case 5, 6 ->
                    IntStream.range(0, random.nextInt(4))
                            .mapToObj(_ -> json(depth - 1))
                            .collect(Collectors.joining(",", "[", "]"));
                default -> {
                    var members = new LinkedHashMap<String, String>();
                    for (var i = random.nextInt(4); i > 0; i--) {
                        members.put(text(8), json(depth - 1));
                    }
                    yield members.entrySet().stream()
                            .map(member -> quoted(member.getKey()) + ":" + member.getValue())
                            .collect(Collectors.joining(",", "{", "}"));
                }
            };
        }

        /** Characters of all planes. */
        private String text(int longest) {
            var text = new StringBuilder();
            for (var i = random.nextInt(longest + 1); i > 0; i--) {
                text.appendCodePoint(
                        switch (random.nextInt(6)) {
                            case 0 -> random.nextInt(0x20);
                            case 1 -> random.nextInt(0x80, 0x800);
                            case 2 -> random.nextInt(0x2000, 0x2100);
                            case 3 -> random.nextInt(0xe000, 0x10000);
                            case 4 -> random.nextInt(0x10000, 0x110000);
                            default -> random.nextInt(0x20, 0x7f);
                        });
            }
            return text.toString();
        }

        private boolean chance(int oneIn) {
            return random.nextInt(oneIn) == 0;
        }

        private String one(String... choices) {
            return choices[random.nextInt(choices.length)];
        }

        private <T> T one(List<T> choices) {
            return choices.get(random.nextInt(choices.size()));
        }
    }

    /** The object with one member more. */
    private static String with(String object, String member) {
        return object.equals("{}") ? "{" + member + "}" : object.substring(0, object.length() - 1) + "," + member + "}";
    }

    private static String quoted(String text) {
        var quoted = new StringBuilder("\"");
        text.chars().forEach(c -> {
            if (c == '"' || c == '\\') {
                quoted.append('\\').append((char) c);
            } else if (c < ' ') {
                quoted.append("\\u%04x".formatted(c));
            } else {
                quoted.append((char) c);
            }
        });
        return quoted.append('"').toString();
    }

    private static String percentEncoded(String text) {
        var encoded = new StringBuilder();
        for (var b : utf8(text)) {
            encoded.append("%%%02X".formatted(b & 0xff));
        }
        return encoded.toString();
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] latin1(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    private static byte[] join(byte[]... parts) {
        var joined = new ByteArrayOutputStream();
        for (var part : parts) {
            joined.writeBytes(part);
        }
        return joined.toByteArray();
    }
}
