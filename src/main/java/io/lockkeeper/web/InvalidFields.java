package io.lockkeeper.web;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.core.MethodParameter;
import org.springframework.validation.Errors;
import org.springframework.validation.method.ParameterErrors;
import org.springframework.web.bind.MethodArgumentNotValidException;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.method.annotation.HandlerMethodValidationException;
import org.springframework.web.method.annotation.MethodArgumentTypeMismatchException;

/**
 * Names the fields of a request whose values are of the right type but not acceptable. All of them are told at once, so that
 * nobody repairs a request in rounds; {@code field} is the first by name, {@code errors} lists all when there are several.
 */
final class InvalidFields {

    private static final Pattern CAPITAL = Pattern.compile("(?<=[a-z0-9])([A-Z])");

    private InvalidFields() {}

    private record Invalid(String field, String detail) {}

    static Problem problem(MethodArgumentNotValidException e) {
        return problem(inBody(e.getBindingResult()));
    }

    static Problem problem(HandlerMethodValidationException e) {
        var all = new ArrayList<Invalid>();
        for (var result : e.getParameterValidationResults()) {
            if (result instanceof ParameterErrors body) {
                all.addAll(inBody(body));
            } else {
                var name = name(result.getMethodParameter());
                result.getResolvableErrors()
                        .forEach(error -> all.add(new Invalid(name, sentence(name, error.getDefaultMessage()))));
            }
        }
        return problem(all);
    }

    static Problem problem(MethodArgumentTypeMismatchException e) {
        var name = name(e.getParameter());
        var wanted = e.getRequiredType();
        var number = wanted == int.class || wanted == Integer.class || wanted == long.class || wanted == Long.class;
        return Problem.invalidField(
                name, sentence(name, number ? "must be a whole number" : "has a value that is not known here"));
    }

    private static List<Invalid> inBody(Errors errors) {
        return errors.getFieldErrors().stream()
                .map(error -> {
                    var field = snakeCase(error.getField());
                    return new Invalid(field, sentence(field, error.getDefaultMessage()));
                })
                .toList();
    }

    private static Problem problem(List<Invalid> all) {
        if (all.isEmpty()) {
            return Problem.of(ProblemType.INVALID_REQUEST, "The request is not valid.");
        }
        var sorted = all.stream()
                .sorted(Comparator.comparing(Invalid::field).thenComparing(Invalid::detail))
                .distinct()
                .toList();
        var detail = sorted.stream().map(Invalid::detail).collect(Collectors.joining(" "));
        var problem = Problem.invalidField(sorted.getFirst().field(), detail);
        return sorted.size() == 1 ? problem : problem.with("errors", sorted);
    }

    private static String sentence(String field, @Nullable String complaint) {
        return field + " " + (complaint == null ? "is not valid" : complaint) + ".";
    }

    /** The name that the client used: what the annotation says, which our controllers always give, or else the parameter's. */
    private static String name(MethodParameter parameter) {
        var annotated = Stream.of(parameter.getParameterAnnotations())
                .map(annotation -> switch (annotation) {
                    case RequestParam request -> request.name();
                    case RequestHeader header -> header.name();
                    case PathVariable variable -> variable.name();
                    default -> "";
                })
                .filter(name -> !name.isEmpty())
                .findFirst();
        return annotated.orElseGet(
                () -> snakeCase(Objects.requireNonNullElse(parameter.getParameterName(), "request")));
    }

    private static String snakeCase(String javaName) {
        return CAPITAL.matcher(javaName)
                .replaceAll(match -> "_" + match.group(1).toLowerCase(Locale.ROOT));
    }
}
