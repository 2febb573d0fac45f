package io.lockkeeper.web;

import io.lockkeeper.security.EnvironmentPattern;
import jakarta.validation.Constraint;
import jakarta.validation.Payload;
import jakarta.validation.ReportAsSingleViolation;
import jakarta.validation.constraints.Pattern;
import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** The name of an environment in which {@code *} may stand for any characters. */
@Documented
@Target({ElementType.FIELD, ElementType.PARAMETER, ElementType.TYPE_USE})
@Retention(RetentionPolicy.RUNTIME)
@Constraint(validatedBy = {})
@ReportAsSingleViolation
@Pattern(regexp = EnvironmentPattern.PATTERN)
public @interface ValidEnvironmentPattern {

    String message() default
            "must be the name of an environment, in which * may stand for any characters: 1 to 64 of a-z, 0-9, '.', '_',"
                    + " '-' and '*', a letter, digit or '*' first and last";

    Class<?>[] groups() default {};

    Class<? extends Payload>[] payload() default {};
}
