package io.lockkeeper.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpRequest;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A body is understood exactly or refused by name; nothing is guessed. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RequestBodiesTest {

    private static final String ACQUIRE = "/api/try/production/acquire";

    private EdgeServer server;

    @BeforeAll
    void start() {
        server = EdgeServer.start();
    }

    @AfterAll
    void stop() {
        server.close();
    }

    @Test
    void everything_that_can_be_said_is_understood() {
        var body =
                "{\"environments\":[\"a\",\"b\"],\"mode\":\"fail_fast\",\"wait_seconds\":60,\"queue_timeout_seconds\":1,"
                        + "\"lease_seconds\":86400,\"batch\":false,\"coverage\":\"latest\",\"priority\":\"high\",\"sha\":\"a1\","
                        + "\"ref\":\"main\",\"repository\":\"shop/web\",\"title\":\"\u00dcber \ud83d\ude80\",\"tier\":\"1\",\"reason\":\"\","
                        + "\"user\":\"u\",\"hostname\":\"h\",\"pid\":2147483647,\"command\":\"make\",\"source\":\"gitlab\","
                        + "\"run_url\":\"https://ci.example/1\"}";
        var answer = server.postJson(ACQUIRE, body);
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.body())
                .isEqualTo("{\"said\":" + body + ",\"idempotency_key\":null,\"at\":\"2026-02-13T10:30:45Z\"}");
    }

    @Test
    void a_body_may_be_absent_whatever_its_type() {
        for (var type : new String[] {"application/json", "application/x-www-form-urlencoded", "text/plain"}) {
            var answer = server.call("POST", ACQUIRE, "", "Content-Type", type);
            assertThat(answer.status()).as(type).isEqualTo(200);
            assertThat(answer.json().path("said").path("mode").isNull()).isTrue();
        }
        assertThat(server.call("POST", ACQUIRE, null).status()).isEqualTo(200);
        assertThat(server.postJson(ACQUIRE, "{}").status()).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(strings = {"application/x-www-form-urlencoded", "text/plain", "application/xml", "nonsense"})
    void a_body_of_another_type_is_told_what_to_send(String type) {
        var answer = server.call("POST", ACQUIRE, "{}", "Content-Type", type);
        assertThat(answer.status()).isEqualTo(415);
        assertThat(answer.code()).isEqualTo("unsupported-media-type");
        assertThat(answer.json().path("detail").asString()).contains("Content-Type: application/json");
    }

    @Test
    void a_compressed_body_is_refused() {
        var answer = server.call("POST", ACQUIRE, "x", "Content-Type", "application/json", "Content-Encoding", "gzip");
        assertThat(answer.status()).isEqualTo(415);
        assertThat(answer.header("Accept-Encoding")).isEqualTo("identity");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{",
                "{\"sha\":",
                "nonsense",
                "{} {}",
                "{}x",
                "[]",
                "\"text\"",
                "7",
                "{'sha':'a'}",
                "{\"a\":1,}",
                " "
            })
    void what_is_not_one_json_object_is_malformed(String body) {
        var answer = server.postJson(ACQUIRE, body);
        assertThat(answer.code()).as(answer.body()).isEqualTo("malformed-body");
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.body()).doesNotContain("Jackson", "java", "Exception");
    }

    @Test
    void bytes_that_are_not_utf_8_are_malformed() {
        var request = HttpRequest.newBuilder(URI.create("http://localhost:" + server.port() + ACQUIRE))
                .header("Authorization", "Bearer " + EdgeServer.TOKEN)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofByteArray(
                        new byte[] {'{', '"', 's', 'h', 'a', '"', ':', '"', (byte) 0xff, (byte) 0xfe, '"', '}'}))
                .build();
        assertThat(server.send(request).code()).isEqualTo("malformed-body");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
                    {"leese_seconds":5}            | leese_seconds   | There is no field leese_seconds here; there are: environments, mode,
                    {"Sha":"a"}                    | Sha             | There is no field Sha here
                    {"waitSeconds":5}              | waitSeconds     | There is no field waitSeconds here
                    {"sha":"a","sha":"b"}          | sha             | The body has the field sha twice.
                    {"lease_seconds":"60"}         | lease_seconds   | lease_seconds must be a whole number
                    {"lease_seconds":60.0}         | lease_seconds   | lease_seconds must be a whole number
                    {"lease_seconds":6e1}          | lease_seconds   | lease_seconds must be a whole number
                    {"lease_seconds":99999999999}  | lease_seconds   | lease_seconds must be a whole number
                    {"lease_seconds":""}           | lease_seconds   | lease_seconds must be a whole number
                    {"lease_seconds":true}         | lease_seconds   | lease_seconds must be a whole number
                    {"lease_seconds":[60]}         | lease_seconds   | lease_seconds must be a whole number
                    {"lease_seconds":{}}           | lease_seconds   | lease_seconds must be a whole number
                    {"sha":7}                      | sha             | sha must be a text in quotes.
                    {"sha":7.5}                    | sha             | sha must be a text in quotes.
                    {"sha":true}                   | sha             | sha must be a text in quotes.
                    {"sha":["a"]}                  | sha             | sha must be a text in quotes.
                    {"sha":{}}                     | sha             | sha must be a text in quotes.
                    {"batch":"true"}               | batch           | batch must be true or false, without quotes.
                    {"batch":1}                    | batch           | batch must be true or false, without quotes.
                    {"batch":""}                   | batch           | batch must be true or false, without quotes.
                    {"mode":"FAIL_FAST"}           | mode            | mode must be one of "wait", "fail_fast".
                    {"mode":"Wait"}                | mode            | mode must be one of "wait", "fail_fast".
                    {"mode":""}                    | mode            | mode must be one of "wait", "fail_fast".
                    {"mode":0}                     | mode            | mode must be one of "wait", "fail_fast".
                    {"mode":["wait"]}              | mode            | mode must be one of "wait", "fail_fast".
                    {"environments":"a"}           | environments    | environments must be an array.
                    {"environments":""}            | environments    | environments must be an array.
                    {"environments":{}}            | environments    | environments must be an array.
                    {"environments":["a",7]}       | environments[1] | environments[1] must be a text in quotes.
                    {"environments":[]}            | environments    | environments must name 1 to 32 environments.
                    {"environments":["a","a"]}     | environments    | environments must not name an environment twice.
                    {"environments":["a","B"]}     | environments[1] | environments[1] must be the name of an environment
                    {"environments":[null]}        | environments[0] | environments[0] must
                    {"wait_seconds":61}            | wait_seconds    | wait_seconds must be between 0 and 60 seconds.
                    {"wait_seconds":-1}            | wait_seconds    | wait_seconds must be between 0 and 60 seconds.
                    {"queue_timeout_seconds":0}    | queue_timeout_seconds | queue_timeout_seconds must be between 1 and 604800 seconds.
                    {"lease_seconds":4}            | lease_seconds   | lease_seconds must be between 5 and 86400 seconds.
                    {"pid":-1}                     | pid             | pid must be between 0 and 2147483647.
                    {"sha":""}                     | sha             | sha must have 1 to 100 characters, not 0.
                    {"title":"a\\nb"}              | title           | title must be one line without control characters: character 2 is U+000A.
                    {"title":"a\\u0000"}           | title           | title must be one line without control characters: character 2 is U+0000.
                    {"title":"\\u2028"}            | title           | title must be one line without control characters: character 1 is U+2028.
                    {"title":"\\u0085"}            | title           | title must be one line without control characters: character 1 is U+0085.
                    {"title":"\\ud83d"}            | title           | title must be valid Unicode: character 1 is half of a surrogate pair.
                    {"run_url":"javascript:x"}     | run_url         | run_url must be an http:// or https:// address.
                    {"run_url":"/relative"}        | run_url         | run_url must be an http:// or https:// address.
                    """)
    void a_field_is_named_with_what_it_must_be(String body, String field, String detail) {
        var answer = server.postJson(ACQUIRE, body);
        assertThat(answer.code()).as(answer.body()).isEqualTo("invalid-request");
        assertThat(answer.status()).isEqualTo(400);
        assertThat(EdgeServer.field(answer)).contains(field);
        assertThat(answer.json().path("detail").asString()).startsWith(detail);
    }

    @Test
    void the_longest_texts_are_accepted_and_one_character_more_is_not() {
        var longest = Map.ofEntries(
                Map.entry("sha", 100),
                Map.entry("ref", 255),
                Map.entry("repository", 255),
                Map.entry("title", 500),
                Map.entry("tier", 64),
                Map.entry("reason", 1000),
                Map.entry("user", 255),
                Map.entry("hostname", 255),
                Map.entry("command", 2000),
                Map.entry("source", 64));
        longest.forEach((field, length) -> {
            // A rocket is two chars of Java, one character of PostgreSQL.
            var fits = "{\"%s\":\"%s\"}".formatted(field, "\ud83d\ude80".repeat(length));
            assertThat(server.postJson(ACQUIRE, fits).status()).as(field).isEqualTo(200);
            var tooLong = "{\"%s\":\"%s\"}".formatted(field, "x".repeat(length + 1));
            assertThat(EdgeServer.field(server.postJson(ACQUIRE, tooLong))).contains(field);
        });
    }

    @Test
    void all_invalid_fields_are_told_at_once() {
        var answer = server.postJson(ACQUIRE, "{\"lease_seconds\":1,\"pid\":-1}");
        assertThat(EdgeServer.field(answer)).contains("lease_seconds");
        assertThat(answer.json().path("errors").toString())
                .isEqualTo(
                        "[{\"field\":\"lease_seconds\",\"detail\":\"lease_seconds must be between 5 and 86400 seconds.\"},"
                                + "{\"field\":\"pid\",\"detail\":\"pid must be between 0 and 2147483647.\"}]");
    }

    @Test
    void a_release_says_how_it_ended() {
        assertThat(server.postJson("/api/try/release", "{\"status\":\"failure\",\"deployed_sha\":\"a1\"}")
                        .body())
                .isEqualTo("{\"status\":\"failure\",\"deployed_sha\":\"a1\"}");
        assertThat(server.postJson("/api/try/release", "{\"status\":\"failed\"}")
                        .json()
                        .path("detail")
                        .asString())
                .isEqualTo("status must be one of \"success\", \"failure\", \"cancelled\".");
    }

    @Test
    void a_body_of_64_kib_is_read_and_one_byte_more_is_not() {
        var largest = "{}" + " ".repeat(65536 - 2);
        assertThat(server.postJson(ACQUIRE, largest).status()).isEqualTo(200);
        assertThat(server.postJson(ACQUIRE, largest + " ").code()).isEqualTo("body-too-large");
    }

    @ParameterizedTest
    @ValueSource(strings = {"key", "with space", "~!#"})
    void an_idempotency_key_is_printable_ascii(String key) {
        var answer = server.call("POST", ACQUIRE, null, "Idempotency-Key", key);
        assertThat(answer.json().path("idempotency_key").asString()).isEqualTo(key);
    }

    @Test
    void another_idempotency_key_is_refused() {
        assertThat(EdgeServer.field(server.call("POST", ACQUIRE, null, "Idempotency-Key", "x".repeat(201))))
                .contains("Idempotency-Key");
        assertThat(EdgeServer.field(server.call("POST", ACQUIRE, null, "Idempotency-Key", "")))
                .contains("Idempotency-Key");
        var latin1 = server.raw("POST " + ACQUIRE + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
                + EdgeServer.TOKEN + "\r\nIdempotency-Key: \u00e9\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        assertThat(EdgeServer.field(latin1)).contains("Idempotency-Key");
    }

    @Test
    void an_answer_for_a_shell_is_lines_that_cannot_break_out() {
        var answer = server.call("POST", ACQUIRE, null, "Accept", "text/plain");
        assertThat(answer.header("Content-Type")).isEqualTo("text/plain;charset=UTF-8");
        assertThat(answer.body())
                .isEqualTo("outcome=fail_fast\nmessage=first second= third  ü\nat=2026-02-13T10:30:45Z\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"*/*", "application/json", "application/json, text/plain", "text/plain;q=0.1, */*"})
    void json_is_the_default(String accept) {
        var answer = server.call("POST", ACQUIRE, null, "Accept", accept);
        assertThat(answer.header("Content-Type")).isEqualTo("application/json");
    }

    @Test
    void an_answer_that_has_no_plain_form_says_so_in_plain_text() {
        var answer = server.get("/api/try/runs/1", "Accept", "text/plain");
        assertThat(answer.status()).isEqualTo(406);
        assertThat(answer.body()).startsWith("outcome=error\ncode=not-acceptable\n");
    }
}
