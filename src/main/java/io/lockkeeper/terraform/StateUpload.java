package io.lockkeeper.terraform;

import io.lockkeeper.web.Problem;
import io.lockkeeper.web.ProblemException;
import io.lockkeeper.web.ProblemType;
import io.lockkeeper.web.Text;
import java.io.ByteArrayOutputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.zip.GZIPOutputStream;
import javax.crypto.Mac;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.exc.JacksonIOException;
import tools.jackson.databind.json.JsonMapper;

/**
 * A state that was read, checked and compressed in one go; its text is kept nowhere.
 *
 * @param md5 of the text
 * @param mac of the text, under a key: it tells whether two are the same to those who have the key only
 * @param compressed by gzip
 */
@SuppressWarnings("ArrayRecordComponent") // Written as they are; nobody compares two uploads by them.
record StateUpload(
        long serial,
        String lineage,
        @Nullable String terraformVersion,
        int sizeBytes,
        byte[] md5,
        byte[] mac,
        byte[] compressed) {
    private static final int LONGEST_LINEAGE = 255;
    private static final JsonMapper JSON = new JsonMapper();

    /**
     * Reads a state to its end.
     *
     * @param contentMd5 what the client says its MD5 is, in Base64; null when it does not
     * @throws IOException if it does not arrive
     * @throws ProblemException if it is no state, or not the one that was sent. No word of it is repeated
     */
    static StateUpload read(InputStream body, @Nullable String contentMd5, Mac mac) throws IOException {
        ByteArrayOutputStream compressed = new ByteArrayOutputStream();
        Head head;
        Tapped tapped;
        try (GZIPOutputStream gzip = new GZIPOutputStream(compressed)) {
            tapped = new Tapped(body, gzip, mac);
            head = Head.read(tapped);
        }
        byte[] md5 = tapped.md5.digest();
        if (contentMd5 != null && !contentMd5.strip().equals(Base64.getEncoder().encodeToString(md5))) {
            throw Problem.invalidField(
                            "Content-MD5",
                            "The body is not the one that Content-MD5 was made of: it was damaged on its way. Nothing was written; send it"
                                    + " again.")
                    .asException();
        }
        return new StateUpload(
                head.serial,
                head.lineage,
                head.terraformVersion,
                tapped.count,
                md5,
                mac.doFinal(),
                compressed.toByteArray());
    }

    /** The same text but for its serial. */
    static byte[] withSerial(byte[] state, long serial) throws IOException {
        int from;
        int length;
        try (JsonParser json = JSON.createParser(state)) {
            json.nextToken();
            while (json.nextToken() != JsonToken.END_OBJECT
                    && !json.currentName().equals("serial")) {
                json.nextToken();
                json.skipChildren();
            }
            json.nextToken();
            from = Math.toIntExact(json.currentTokenLocation().getByteOffset());
            length = json.getString().length();
        }
        ByteArrayOutputStream changed = new ByteArrayOutputStream(state.length + 20);
        changed.write(state, 0, from);
        changed.writeBytes(Long.toString(serial).getBytes(java.nio.charset.StandardCharsets.US_ASCII));
        changed.write(state, from + length, state.length - from - length);
        return changed.toByteArray();
    }

    /** What Terraform says about the state at its top level. */
    private static final class Head {
        private boolean hasVersion;
        private long serial = -1;
        private String lineage = "";
        private @Nullable String terraformVersion;

        static Head read(InputStream body) throws IOException {
            Head head = new Head();
            try (JsonParser json = JSON.createParser(body)) {
                if (json.nextToken() != JsonToken.START_OBJECT) {
                    throw notAState("it is no JSON object");
                }
                while (json.nextToken() != JsonToken.END_OBJECT) {
                    String name = json.currentName();
                    head.read(name, json.nextToken(), json);
                    json.skipChildren();
                }
                if (json.nextToken() != null) {
                    throw notAState("something follows it");
                }
            } catch (JacksonIOException e) {
                IOException cause = e.getCause();
                throw cause == null ? new IOException(e) : cause;
            } catch (JacksonException e) {
                var location = e.getLocation();
                throw notAState(
                        location == null
                                ? "it is not JSON"
                                : "it is not JSON: look at line " + location.getLineNr() + ", column "
                                        + location.getColumnNr());
            }
            if (!head.hasVersion || head.serial < 0 || head.lineage.isEmpty()) {
                throw notAState("it lacks version, serial or lineage");
            }
            return head;
        }

        private void read(String name, JsonToken value, JsonParser json) {
            switch (name) {
                case "version" -> hasVersion = value == JsonToken.VALUE_NUMBER_INT;
                // What does not fit a long is refused like what is no JSON.
                case "serial" -> serial = value == JsonToken.VALUE_NUMBER_INT ? json.getLongValue() : -1;
                case "lineage" -> lineage = text(value, json);
                case "terraform_version" -> terraformVersion = text(value, json);
                default -> {}
            }
        }

        private static String text(JsonToken value, JsonParser json) {
            if (value != JsonToken.VALUE_STRING || Text.Check.complaint(json.getString(), LONGEST_LINEAGE) != null) {
                throw notAState(
                        "lineage and terraform_version are texts of at most " + LONGEST_LINEAGE + " characters");
            }
            return json.getString();
        }
    }

    private static ProblemException notAState(String why) {
        return Problem.of(
                        ProblemType.MALFORMED_BODY,
                        "The body is no state of Terraform: " + why
                                + ". Nothing was written. Its format is that of terraform state pull.")
                .asException();
    }

    /** Whoever reads from it has it compressed and digested as well. */
    private static final class Tapped extends FilterInputStream {
        private final MessageDigest md5 = newMd5();
        private final OutputStream compressed;
        private final Mac mac;
        private int count;

        Tapped(InputStream body, OutputStream compressed, Mac mac) {
            super(body);
            this.compressed = compressed;
            this.mac = mac;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            int read = super.read(bytes, offset, length);
            if (read > 0) {
                compressed.write(bytes, offset, read);
                md5.update(bytes, offset, read);
                mac.update(bytes, offset, read);
                count += read;
            }
            return read;
        }
    }

    private static MessageDigest newMd5() {
        try {
            return MessageDigest.getInstance("MD5");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has MD5", e);
        }
    }
}
