package io.lockkeeper.terraform;

import io.lockkeeper.web.Problem;
import io.lockkeeper.web.ProblemException;
import io.lockkeeper.web.ProblemType;
import io.lockkeeper.web.Text;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What Terraform says of a lock, and is told of one. Others' Terraforms read it back, whose reader refuses a {@code Created} that is no time,
 * so nothing gets in that is not bounded and well formed.
 *
 * @param id what Terraform prints of the lock that is in its way
 * @param who user and host with an @ between
 */
record LockInfo(String id, String operation, String info, String who, String version, Instant created, String path) {
    private static final Pattern ID = Pattern.compile("[0-9A-Za-z][0-9A-Za-z._-]{0,63}");
    private static final int LONGEST_NAME = 64;
    private static final int LONGEST_WHO = 255;
    private static final int LONGEST_TEXT = 1000;
    /** Terraform writes its times so, and reads no others: RFC 3339 has four digits for a year. */
    private static final Pattern TIME =
            Pattern.compile("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,9})?(Z|[+-]\\d\\d:\\d\\d)");

    private static final String OF_AN_OPERATION = "OperationType";
    private static final JsonMapper JSON = new JsonMapper();

    /** Reads the body of LOCK or UNLOCK; what Terraform may say one day besides is not looked at. */
    static LockInfo parse(byte[] body) {
        JsonNode said;
        try {
            said = JSON.readTree(body);
        } catch (JacksonException e) {
            throw malformed();
        }
        if (!said.isObject()) {
            throw malformed();
        }
        String id = text(said, "ID", LONGEST_NAME);
        if (!ID.matcher(id).matches()) {
            throw invalid("ID", "must be Terraform's lock ID: 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-'");
        }
        return new LockInfo(
                id,
                text(said, "Operation", LONGEST_NAME),
                text(said, "Info", LONGEST_TEXT),
                text(said, "Who", LONGEST_WHO),
                text(said, "Version", LONGEST_NAME),
                created(text(said, "Created", LONGEST_NAME)),
                text(said, "Path", LONGEST_TEXT));
    }

    private static String text(JsonNode said, String field, int longest) {
        JsonNode value = said.path(field);
        if (value.isMissingNode() || value.isNull()) {
            return "";
        }
        String complaint = value.isString() ? Text.Check.complaint(value.asString(), longest) : "must be a text";
        if (complaint != null) {
            throw invalid(field, complaint);
        }
        return value.asString();
    }

    private static Instant created(String text) {
        try {
            if (text.isEmpty() || TIME.matcher(text).matches()) {
                return text.isEmpty()
                        ? Instant.EPOCH
                        : OffsetDateTime.parse(text).toInstant();
            }
        } catch (DateTimeException e) {
            // Answered below: a thirtieth of February.
        }
        throw invalid("Created", "must be a time such as 2026-11-21T10:30:45Z");
    }

    private static ProblemException invalid(String field, String complaint) {
        return Problem.invalidField(field, field + " " + complaint + ".").asException();
    }

    private static ProblemException malformed() {
        return Problem.of(
                        ProblemType.MALFORMED_BODY,
                        "The body is not the lock info that Terraform sends: a JSON object with ID, Operation, Info, Who, Version,"
                                + " Created and Path.")
                .asException();
    }

    /** As kept with a run. */
    static LockInfo stored(String json) {
        JsonNode kept = JSON.readTree(json);
        return new LockInfo(
                kept.path("ID").asString(),
                kept.path("Operation").asString(),
                kept.path("Info").asString(),
                kept.path("Who").asString(),
                kept.path("Version").asString(),
                Instant.parse(kept.path("Created").asString()),
                kept.path("Path").asString());
    }

    /** With Terraform's names, and always all of them. */
    String json() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("ID", id);
        fields.put("Operation", operation);
        fields.put("Info", info);
        fields.put("Who", who);
        fields.put("Version", version);
        fields.put("Created", created.toString());
        fields.put("Path", path);
        return JSON.writeValueAsString(fields);
    }

    /** Such as {@code terraform apply}; a Terraform that says nothing is {@code terraform}. */
    String title() {
        String verb = operation.startsWith(OF_AN_OPERATION)
                ? operation.substring(OF_AN_OPERATION.length()).toLowerCase(Locale.ROOT)
                : operation.replaceFirst("^state-", "state ");
        return ("terraform " + verb).strip();
    }

    String user() {
        int at = who.lastIndexOf('@');
        return at < 0 ? who : who.substring(0, at);
    }

    /** Null when it was not said. */
    @Nullable
    String host() {
        int at = who.lastIndexOf('@');
        return at < 0 ? null : who.substring(at + 1);
    }
}
