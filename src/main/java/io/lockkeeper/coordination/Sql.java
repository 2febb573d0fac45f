package io.lockkeeper.coordination;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.springframework.jdbc.core.namedparam.NamedParameterUtils;
import org.springframework.jdbc.core.namedparam.ParsedSql;

/** This package's statements: short ones stand next to their use, long ones in {@code sql/coordination}. */
final class Sql {
    static final ParsedSql COMMIT = parse("COMMIT");

    private Sql() {}

    static ParsedSql parse(String text) {
        return NamedParameterUtils.parseSqlStatement(text);
    }

    static ParsedSql load(String name) {
        return parse(text(name));
    }

    static String text(String name) {
        String resource = "/sql/coordination/" + name;
        try (InputStream in = Sql.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new IllegalStateException("the jar lacks " + resource);
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
