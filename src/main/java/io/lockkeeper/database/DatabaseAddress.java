package io.lockkeeper.database;

import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.StringJoiner;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A PostgreSQL database and who we are there.
 *
 * @param hosts {@code host:port}, several separated by commas
 * @param database its name
 * @param parameters of the connection, under pgjdbc's names
 * @param user null for the operating system's user
 * @param password null when the server asks for none
 */
record DatabaseAddress(
        String hosts,
        String database,
        Map<String, String> parameters,
        @Nullable String user,
        @Nullable String password) {

    private static final String SCHEMES = "(?:jdbc:)?postgres(?:ql)?://";
    private static final Pattern URL = Pattern.compile("(?s)(" + SCHEMES + ")([^/?]*)(?:/([^?]*))?(?:\\?(.*))?");
    private static final Pattern HOST =
            Pattern.compile("(\\[[0-9A-Fa-f:.]+(?:%[A-Za-z0-9]+)?]|[A-Za-z0-9._-]*)(?::([0-9]{1,5}))?");

    /** libpq's names of what pgjdbc calls otherwise. What is in neither list has the same name or means nothing to pgjdbc. */
    private static final Map<String, String> LIBPQ_NAMES = Map.of(
            "application_name", "ApplicationName",
            "channel_binding", "channelBinding",
            "connect_timeout", "connectTimeout",
            "gssencmode", "gssEncMode",
            "sslnegotiation", "sslNegotiation",
            "target_session_attrs", "targetServerType");

    private static final Map<String, String> TARGET_SERVER_TYPES = Map.of(
            "read-write", "primary",
            "read-only", "secondary",
            "standby", "secondary",
            "prefer-standby", "preferSecondary");

    DatabaseAddress {
        parameters = Map.copyOf(parameters);
    }

    /**
     * Reads {@code postgresql://user:password@host:port/database?name=value} as libpq does (PostgreSQL manual, "Connection URIs"), or
     * pgjdbc's form with {@code jdbc:} before it. No refusal repeats any of it, since a mistyped URL has its password in unexpected places.
     *
     * @param setting the name under which the operator gave the URL, for refusals
     */
    static DatabaseAddress parse(String setting, String url, @Nullable String user, @Nullable String password) {
        var parts = URL.matcher(url.strip());
        if (!parts.matches()) {
            throw malformed(
                    setting,
                    url.isBlank() ? "it is empty" : "it does not start with postgresql:// or jdbc:postgresql://");
        }
        // pgjdbc reads a plus as a blank, libpq as a plus.
        var jdbc = parts.group(1).startsWith("jdbc:");
        var authority = parts.group(2);
        var at = authority.lastIndexOf('@');
        var parameters = parameters(setting, parts.group(4), jdbc);
        var userFromParameters = parameters.remove("user");
        var passwordFromParameters = parameters.remove("password");
        @Nullable String urlUser = userFromParameters;
        @Nullable String urlPassword = passwordFromParameters;
        if (at >= 0) {
            var colon = authority.indexOf(':');
            var hasPassword = colon >= 0 && colon < at;
            var decodedUser = decode(setting, authority.substring(0, hasPassword ? colon : at), false);
            urlUser = decodedUser.isEmpty() ? urlUser : decodedUser;
            urlPassword = hasPassword ? decode(setting, authority.substring(colon + 1, at), false) : urlPassword;
        }
        @Nullable String effectiveUser = user != null ? user : urlUser;
        var path = parts.group(3) == null ? "" : parts.group(3);
        if (path.contains("/") || path.contains("@")) {
            // Most likely an unencoded slash in the password.
            throw malformed(setting, "the name of the database has a \"/\" or \"@\" in it");
        }
        var database = decode(setting, path, jdbc);
        if (database.isEmpty()) {
            // libpq's rule.
            if (effectiveUser == null) {
                throw malformed(setting, "it names no database");
            }
            database = effectiveUser;
        }
        return new DatabaseAddress(
                hosts(setting, authority.substring(at + 1)),
                database,
                parameters,
                effectiveUser,
                password != null ? password : urlPassword);
    }

    /**
     * For the connection pool: without user and password, and with what Lockkeeper needs of a connection.
     *
     * <p>A server that stops answering (paused, or behind a network that drops packets) is an error after half a minute and not a hang.
     * {@code preferQueryMode} is not the operator's: transitions send several statements in one round trip and rely on each having a
     * {@code statement_timestamp()} of its own, which the simple protocol does not give (PostgreSQL manual, "Current Date/Time").
     */
    String poolUrl() {
        return jdbcUrl(Map.of("socketTimeout", "30"));
    }

    /**
     * The same through a pooler in transaction mode: statements keep no name on the server, for the next transaction may meet another one. Whoever
     * has a pooler that knows of them (PgBouncer 1.21 and its {@code max_prepared_statements}) says so by {@code prepareThreshold} in the URL.
     */
    String poolerUrl() {
        return jdbcUrl(Map.of("socketTimeout", "30", "prepareThreshold", "0"));
    }

    /** For migrations, of which a single statement may take long on a filled table. */
    String migrationUrl() {
        return jdbcUrl(Map.of());
    }

    private String jdbcUrl(Map<String, String> more) {
        var all = new LinkedHashMap<>(
                Map.of("ApplicationName", "lockkeeper", "connectTimeout", "5", "tcpKeepAlive", "true"));
        all.putAll(more);
        all.putAll(parameters);
        all.put("preferQueryMode", "extended");
        var query = new StringJoiner("&");
        all.entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .forEach(each -> query.add(encode(each.getKey()) + "=" + encode(each.getValue())));
        return "jdbc:postgresql://%s/%s?%s".formatted(hosts, encode(database), query);
    }

    /** Names the place in a sentence, without secrets. */
    String shown() {
        return hosts + "/" + database;
    }

    @Override
    public String toString() {
        return shown();
    }

    private static String hosts(String setting, String text) {
        var hosts = new ArrayList<String>();
        for (var host : text.split(",", -1)) {
            var parts = HOST.matcher(host);
            if (!parts.matches()) {
                throw malformed(setting, "its host or port cannot be read");
            }
            var port = parts.group(2) == null ? 5432 : Integer.parseInt(parts.group(2));
            if (port < 1 || port > 65535) {
                throw malformed(setting, "its port is not between 1 and 65535");
            }
            hosts.add((parts.group(1).isEmpty() ? "localhost" : parts.group(1)) + ":" + port);
        }
        return String.join(",", hosts);
    }

    private static Map<String, String> parameters(String setting, @Nullable String query, boolean plusIsBlank) {
        var parameters = new LinkedHashMap<String, String>();
        if (query == null || query.isEmpty()) {
            return parameters;
        }
        for (var each : query.split("&", -1)) {
            var equals = each.indexOf('=');
            if (equals < 1) {
                throw malformed(setting, "a parameter after the \"?\" is not of the form name=value");
            }
            var name = decode(setting, each.substring(0, equals), plusIsBlank);
            var value = decode(setting, each.substring(equals + 1), plusIsBlank);
            if (name.equals("target_session_attrs")) {
                value = TARGET_SERVER_TYPES.getOrDefault(value, value);
            }
            parameters.put(LIBPQ_NAMES.getOrDefault(name, name), value);
        }
        return parameters;
    }

    private static String decode(String setting, String text, boolean plusIsBlank) {
        try {
            return URLDecoder.decode(plusIsBlank ? text : text.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException fault) {
            throw malformed(setting, "a \"%\" in it is not followed by two hexadecimal digits");
        }
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    private static StartupRefused malformed(String setting, String why) {
        return new StartupRefused(
                "%s is not the address of a PostgreSQL database: %s.".formatted(setting, why),
                "Write it like postgresql://user:password@host:5432/database, with special characters of user and password"
                        + " percent-encoded, or give those in LOCKKEEPER_DATABASE_USER and LOCKKEEPER_DATABASE_PASSWORD.");
    }
}
