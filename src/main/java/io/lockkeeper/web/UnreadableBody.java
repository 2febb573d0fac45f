package io.lockkeeper.web;

import java.time.Instant;
import java.util.Arrays;
import java.util.Collection;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.http.converter.HttpMessageNotReadableException;
import tools.jackson.core.JacksonException;
import tools.jackson.core.exc.InputCoercionException;
import tools.jackson.core.exc.StreamReadException;
import tools.jackson.databind.exc.MismatchedInputException;
import tools.jackson.databind.exc.UnrecognizedPropertyException;

/** Says what is wrong with a request body that did not become a record, by the name of the field when there is one. */
final class UnreadableBody {

    private static final int LONGEST_NAME = 64;

    private UnreadableBody() {}

    static Problem problem(HttpMessageNotReadableException exception) {
        for (Throwable cause = exception.getCause(); cause != null; cause = cause.getCause()) {
            // The body ended the reading by itself: it was too large.
            if (cause instanceof ProblemException refusal) {
                return refusal.problem();
            }
        }
        return switch (exception.getCause()) {
            case UnrecognizedPropertyException e -> unknownField(e);
            case MismatchedInputException e -> wrongType(path(e), e.getTargetType());
            case InputCoercionException e -> wrongType(path(e), e.getTargetType());
            case StreamReadException e when isDuplicate(e) -> duplicate(e);
            case JacksonException e -> notJson(e);
            case null, default -> malformed("The body could not be read to its end. Send it again.");
        };
    }

    private static Problem unknownField(UnrecognizedPropertyException e) {
        var known = e.getKnownPropertyIds();
        return Problem.invalidField(
                path(e),
                "There is no field %s here%s."
                        .formatted(
                                path(e),
                                known == null
                                        ? ""
                                        : "; there are: "
                                                + known.stream()
                                                        .map(Object::toString)
                                                        .collect(Collectors.joining(", "))));
    }

    private static Problem wrongType(String path, @Nullable Class<?> wanted) {
        if (path.isEmpty()) {
            return malformed("The body must be a JSON object, such as {\"sha\": \"a1b2c3d\"}.");
        }
        return Problem.invalidField(path, "%s must be %s.".formatted(path, describe(wanted)));
    }

    private static String describe(@Nullable Class<?> wanted) {
        if (wanted == null) {
            return "of another type";
        }
        if (wanted.isEnum()) {
            return "one of "
                    + Arrays.stream(wanted.getEnumConstants())
                            .map(constant -> '"' + ((Enum<?>) constant).name().toLowerCase(Locale.ROOT) + '"')
                            .collect(Collectors.joining(", "));
        }
        if (wanted == Integer.class || wanted == int.class) {
            return "a whole number of at most " + Integer.MAX_VALUE + ", without quotes";
        }
        if (wanted == Long.class || wanted == long.class) {
            return "a whole number, without quotes";
        }
        if (wanted == Boolean.class || wanted == boolean.class) {
            return "true or false, without quotes";
        }
        if (wanted == String.class) {
            return "a text in quotes";
        }
        if (wanted == Instant.class) {
            return "an instant in quotes, such as \"2026-12-24T18:00:00Z\"";
        }
        return Collection.class.isAssignableFrom(wanted) ? "an array" : "an object";
    }

    /** Jackson has no type of its own for it. A test holds the words that are looked for here. */
    private static boolean isDuplicate(StreamReadException e) {
        return e.getOriginalMessage().startsWith("Duplicate Object property");
    }

    private static Problem duplicate(StreamReadException e) {
        var message = e.getOriginalMessage();
        var first = message.indexOf('"');
        var last = message.lastIndexOf('"');
        var field = shortened(message.substring(first + 1, Math.max(first + 1, last)));
        return Problem.invalidField(field, "The body has the field %s twice.".formatted(field));
    }

    private static Problem notJson(JacksonException e) {
        var location = e.getLocation();
        return malformed(
                location == null || location.getLineNr() < 1
                        ? "The body is not JSON."
                        : "The body is not JSON: look at line %d, column %d."
                                .formatted(location.getLineNr(), location.getColumnNr()));
    }

    private static Problem malformed(String detail) {
        return Problem.of(ProblemType.MALFORMED_BODY, detail);
    }

    /** Such as {@code environments[1]}; empty for the body itself. */
    private static String path(JacksonException e) {
        var path = new StringBuilder();
        for (var step : e.getPath()) {
            if (step.getPropertyName() == null) {
                path.append('[').append(step.getIndex()).append(']');
            } else {
                path.append(path.isEmpty() ? "" : ".").append(step.getPropertyName());
            }
        }
        return shortened(path.toString());
    }

    private static String shortened(String name) {
        return name.length() <= LONGEST_NAME ? name : name.substring(0, LONGEST_NAME) + "…";
    }
}
