package io.lockkeeper.security;

import io.lockkeeper.database.StartupRefused;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.BindException;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.bind.UnboundConfigurationPropertiesException;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName;
import org.springframework.boot.context.properties.source.ConfigurationPropertySources;
import org.springframework.boot.context.properties.source.IterableConfigurationPropertySource;
import org.springframework.core.NestedExceptionUtils;
import org.springframework.core.env.Environment;
import org.springframework.core.env.SystemEnvironmentPropertySource;

/**
 * A branch of the configuration that says who is let in. A start with a key or value that makes no sense is refused with one sentence
 * that names it, and never repeats the value, since a setting that is read otherwise than it was meant lets the wrong people in.
 *
 * @param known every key below the root, without dashes and brackets
 * @param knownVariable the same as environment variables, whose parts may be written with an underscore for a dash or without it
 * @param whatToDo the sentence that each refusal ends with
 */
record StrictSettings(ConfigurationPropertyName root, Pattern known, Pattern knownVariable, String whatToDo) {

    /** What is configured; {@code none} when nothing is. */
    <T> T bind(Environment environment, Class<T> type, T none) {
        refuseUnknownKeys(environment);
        try {
            return Binder.get(environment).bind(root, Bindable.of(type)).orElse(none);
        } catch (BindException e) {
            if (NestedExceptionUtils.getMostSpecificCause(e)
                    instanceof UnboundConfigurationPropertiesException unbound) {
                throw unknown(unbound.getUnboundProperties()
                        .iterator()
                        .next()
                        .getName()
                        .toString());
            }
            throw new StartupRefused("The setting " + e.getName() + " has a value that cannot be read.", whatToDo, e);
        }
    }

    /** Spring Boot's own handler for this overlooks keys in a list within a list, and all variables. */
    private void refuseUnknownKeys(Environment environment) {
        var variablePrefix = root.toString().replace('.', '_').toUpperCase(Locale.ROOT) + "_";
        for (var source : ConfigurationPropertySources.get(environment)) {
            if (source.getUnderlyingSource() instanceof SystemEnvironmentPropertySource variables) {
                // One can be read as several keys, so its name is looked at as it is.
                Arrays.stream(variables.getPropertyNames())
                        .filter(name -> name.toUpperCase(Locale.ROOT).startsWith(variablePrefix))
                        .filter(name -> !knownVariable
                                .matcher(name.toUpperCase(Locale.ROOT))
                                .matches())
                        .min(Comparator.naturalOrder())
                        .ifPresent(name -> {
                            throw unknown(name);
                        });
            } else if (source instanceof IterableConfigurationPropertySource written) {
                written.stream()
                        .filter(root::isAncestorOf)
                        .filter(name -> !known.matcher(uniform(name)).matches())
                        .min(Comparator.naturalOrder())
                        .ifPresent(name -> {
                            throw unknown(name.toString());
                        });
            }
        }
    }

    /** However a key is written, {@code jwk-set-uri} or {@code jwkSetUri}, as Spring Boot compares it. */
    private String uniform(ConfigurationPropertyName name) {
        return IntStream.range(root.getNumberOfElements(), name.getNumberOfElements())
                .mapToObj(i -> name.getElement(i, ConfigurationPropertyName.Form.UNIFORM))
                .collect(Collectors.joining("."));
    }

    private StartupRefused unknown(String name) {
        return new StartupRefused("The setting " + name + " is not known.", whatToDo);
    }

    StartupRefused refused(String key, String complaint) {
        return new StartupRefused("The setting " + key + " " + complaint + ".", whatToDo);
    }

    String required(String key, @Nullable String value) {
        if (value == null || value.isBlank()) {
            throw refused(key, "is required");
        }
        return value;
    }

    URI uri(String key, String text) {
        try {
            var uri = new URI(text);
            var isWeb = "http".equalsIgnoreCase(uri.getScheme()) || "https".equalsIgnoreCase(uri.getScheme());
            if (isWeb && uri.getHost() != null && uri.getUserInfo() == null && uri.getFragment() == null) {
                return uri;
            }
        } catch (URISyntaxException e) {
            // Answered below: where the text stops being an address is plain to see.
        }
        throw refused(key, "must be an address such as https://gitlab.com");
    }

    /** An address that keys are fetched from. */
    URI authenticUri(String key, String text) {
        var uri = uri(key, text);
        if (!OidcKeys.isAuthentic(uri)) {
            throw refused(key, "must begin with https://, unless it is on this machine: keys are fetched from there");
        }
        return uri;
    }

    int clockSkewSeconds(String key, int seconds) {
        if (seconds < 0 || seconds > OidcSettings.LONGEST_SKEW_SECONDS) {
            throw refused(
                    key, "must be between 0 and " + OidcSettings.LONGEST_SKEW_SECONDS + " seconds, and is " + seconds);
        }
        return seconds;
    }
}
