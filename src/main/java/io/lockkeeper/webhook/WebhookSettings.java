package io.lockkeeper.webhook;

import io.lockkeeper.database.StartupRefused;
import io.lockkeeper.security.EnvironmentPattern;
import io.lockkeeper.webhook.Webhook.Format;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.BindException;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName;
import org.springframework.boot.context.properties.source.ConfigurationPropertySources;
import org.springframework.boot.context.properties.source.IterableConfigurationPropertySource;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.SystemEnvironmentPropertySource;

/**
 * {@code lockkeeper.webhooks}: who is told of which events. A start with a key or value that makes no sense is refused with one sentence
 * that names it, and never shows the value, which may be a secret.
 *
 * @param url where the events go
 * @param secret one key or two, separated by a space
 */
record WebhookSettings(
        @Nullable String url,
        @Nullable String secret,
        @Nullable Format format,
        @Nullable List<String> events,
        @Nullable List<String> environments) {

    private static final ConfigurationPropertyName ROOT = ConfigurationPropertyName.of("lockkeeper.webhooks");
    private static final String WHAT_TO_DO = "Correct it and start again; docs/webhooks.md lists every key.";

    /** No dashes or dots, which a variable could not tell from each other. */
    private static final Pattern NAME = Pattern.compile("[a-z0-9]{1,40}");

    /** The keys of one webhook, as written, and without dashes and brackets. */
    private static final Pattern KNOWN =
            Pattern.compile("[^.]+(\\.(url|secret|format|events(\\.\\d+)?|environments(\\.\\d+)?))?");

    private static final String VARIABLES = "LOCKKEEPER_WEBHOOKS_";
    private static final Pattern VARIABLE =
            Pattern.compile(VARIABLES + "[A-Z0-9]+_(URL|SECRET|FORMAT|EVENTS(_[0-9]+)?|ENVIRONMENTS(_[0-9]+)?)");

    static final int MOST_WEBHOOKS = 20;
    private static final int MOST_KEYS = 2;
    private static final int MOST_ENVIRONMENTS = 32;
    private static final int MOST_URL_CHARACTERS = 2000;
    private static final int MOST_PORT = 65_535;

    /** The webhooks that the configuration names, checked, in order of their names. */
    static List<Webhook> read(ConfigurableEnvironment environment) {
        refuseUnknownKeys(environment);
        Map<String, WebhookSettings> written = new TreeMap<>(bind(environment));
        if (written.size() > MOST_WEBHOOKS) {
            throw new StartupRefused(
                    "The setting " + ROOT + " declares more than " + MOST_WEBHOOKS + " webhooks.", WHAT_TO_DO);
        }
        return written.entrySet().stream()
                .map(entry -> entry.getValue().webhook(entry.getKey()))
                .toList();
    }

    private static Map<String, WebhookSettings> bind(ConfigurableEnvironment environment) {
        try {
            return Binder.get(environment)
                    .bind(ROOT, Bindable.mapOf(String.class, WebhookSettings.class))
                    .orElse(Map.of());
        } catch (BindException e) {
            // Without its cause, which shows the value.
            throw new StartupRefused("The setting " + e.getName() + " has a value that cannot be read.", WHAT_TO_DO);
        }
    }

    private static void refuseUnknownKeys(ConfigurableEnvironment environment) {
        for (var source : ConfigurationPropertySources.get(environment)) {
            if (source.getUnderlyingSource() instanceof SystemEnvironmentPropertySource variables) {
                Arrays.stream(variables.getPropertyNames()).forEach(WebhookSettings::requireKnownVariable);
            } else if (source instanceof IterableConfigurationPropertySource keys) {
                keys.stream()
                        .filter(ROOT::isAncestorOf)
                        .filter(key -> !KNOWN.matcher(uniform(key)).matches())
                        .min(Comparator.naturalOrder())
                        .ifPresent(key -> {
                            throw new StartupRefused("The setting " + key + " is not known.", WHAT_TO_DO);
                        });
            }
        }
    }

    /** A variable with another ending would be passed over in silence. */
    private static void requireKnownVariable(String variable) {
        String name = variable.toUpperCase(Locale.ROOT);
        if (name.startsWith(VARIABLES) && !VARIABLE.matcher(name).matches()) {
            throw new StartupRefused(
                    "The environment variable " + variable
                            + " is not the name of a webhook in letters and digits and then URL, SECRET, FORMAT, EVENTS or ENVIRONMENTS.",
                    WHAT_TO_DO);
        }
    }

    private static String uniform(ConfigurationPropertyName key) {
        return IntStream.range(ROOT.getNumberOfElements(), key.getNumberOfElements())
                .mapToObj(i -> key.getElement(i, ConfigurationPropertyName.Form.UNIFORM))
                .collect(Collectors.joining("."));
    }

    private Webhook webhook(String name) {
        if (!NAME.matcher(name).matches()) {
            throw new StartupRefused(
                    "The setting " + ROOT + "." + name
                            + " is not for a webhook: its name has 1 to 40 letters a-z and digits, so that variables can name it.",
                    WHAT_TO_DO);
        }
        String key = ROOT + "." + name;
        Format chosen = format == null ? Format.JSON : format;
        return new Webhook(name, uri(key + ".url"), keys(key + ".secret", chosen), chosen, types(key), patterns(key));
    }

    private URI uri(String key) {
        if (url == null || url.isBlank()) {
            throw refused(key, "is required");
        }
        if (url.length() <= MOST_URL_CHARACTERS && url.chars().allMatch(c -> c > ' ' && c <= '~')) {
            try {
                var uri = new URI(url);
                boolean isWeb = "http".equalsIgnoreCase(uri.getScheme()) || "https".equalsIgnoreCase(uri.getScheme());
                if (isWeb
                        && uri.getHost() != null
                        && uri.getRawFragment() == null
                        && uri.getPort() != 0
                        && uri.getPort() <= MOST_PORT) {
                    return uri;
                }
            } catch (URISyntaxException e) {
                // Answered below: the exception would show the URL.
            }
        }
        throw refused(
                key,
                "must be an http:// or https:// URL of at most " + MOST_URL_CHARACTERS
                        + " ASCII characters with a host and without a fragment");
    }

    /** Whoever may call a chat's URL may write there, and chats check nothing; automation must be able to tell who calls. */
    private List<SigningKey> keys(String key, Format chosen) {
        if (secret == null || secret.isBlank()) {
            if (chosen == Format.SLACK) {
                return List.of();
            }
            throw refused(
                    key,
                    "is required: whsec_ and the output of `openssl rand -base64 32`, which the receiver knows as well");
        }
        String[] texts = secret.strip().split("\\s+", -1);
        if (texts.length > MOST_KEYS) {
            throw refused(key, "has more than two secrets, the new one and the one that it replaces");
        }
        List<SigningKey> keys = new ArrayList<>();
        for (String text : texts) {
            keys.add(SigningKey.parse(text)
                    .orElseThrow(() -> refused(
                            key,
                            "must be whsec_ and the base64 of 24 to 64 bytes, as `openssl rand -base64 32` prints")));
        }
        return keys;
    }

    private Set<String> types(String key) {
        if (events == null) {
            return EventTypes.USUAL;
        }
        if (events.isEmpty()) {
            throw refused(key + ".events", "must name an event, or * for all");
        }
        for (int i = 0; i < events.size(); i++) {
            if (!events.get(i).equals(EventTypes.EVERY) && !EventTypes.KNOWN.contains(events.get(i))) {
                throw refused(
                        key + ".events[" + i + "]", "is no type of events; docs/http-api.md lists them, and * is all");
            }
        }
        return new TreeSet<>(events);
    }

    private List<EnvironmentPattern> patterns(String key) {
        if (environments == null) {
            return EnvironmentPattern.EVERYWHERE;
        }
        if (environments.isEmpty() || environments.size() > MOST_ENVIRONMENTS) {
            throw refused(
                    key + ".environments",
                    "must name 1 to " + MOST_ENVIRONMENTS + " environments; * stands for any characters");
        }
        for (int i = 0; i < environments.size(); i++) {
            if (!environments.get(i).matches(EnvironmentPattern.PATTERN)) {
                throw refused(
                        key + ".environments[" + i + "]",
                        "must be an environment's name, in which * stands for any characters");
            }
        }
        return environments.stream().map(EnvironmentPattern::new).toList();
    }

    private static StartupRefused refused(String key, String complaint) {
        return new StartupRefused("The setting " + key + " " + complaint + ".", WHAT_TO_DO);
    }

    @Override
    public String toString() {
        return "WebhookSettings[hidden]";
    }
}
