package io.lockkeeper.web;

import jakarta.validation.Constraint;
import jakarta.validation.ConstraintValidator;
import jakarta.validation.ConstraintValidatorContext;
import jakarta.validation.Payload;
import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.jspecify.annotations.Nullable;

/**
 * One line of text that people will see in a terminal, a log or a page: so no control characters, no line breaks of any
 * alphabet, and nothing that is not a character (PostgreSQL stores neither NUL nor half a surrogate pair). Lengths count
 * Unicode code points, as PostgreSQL does. Null is valid.
 */
@Documented
@Target({ElementType.FIELD, ElementType.PARAMETER, ElementType.TYPE_USE})
@Retention(RetentionPolicy.RUNTIME)
@Constraint(validatedBy = Text.Check.class)
public @interface Text {

    int min() default 0;

    int max();

    String message() default "must be one line of text";

    Class<?>[] groups() default {};

    Class<? extends Payload>[] payload() default {};

    /** Names what is wrong, and where, without repeating the text. */
    final class Check implements ConstraintValidator<Text, CharSequence> {

        private int min;
        private int max;

        @Override
        public void initialize(Text text) {
            min = text.min();
            max = text.max();
        }

        @Override
        public boolean isValid(@Nullable CharSequence value, ConstraintValidatorContext context) {
            if (value == null) {
                return true;
            }
            var complaint = complaint(value, min, max);
            if (complaint == null) {
                return true;
            }
            context.disableDefaultConstraintViolation();
            context.buildConstraintViolationWithTemplate(complaint).addConstraintViolation();
            return false;
        }

        /** U+0085, U+2028 and U+2029 end a line for many readers although they are not ASCII. */
        static boolean breaksALine(int character) {
            return Character.isISOControl(character) || character == 0x2028 || character == 0x2029;
        }

        /** What is wrong with such a text of at most so many characters, as a sentence goes on after its name; null when nothing is. */
        public static @Nullable String complaint(CharSequence value, int max) {
            return complaint(value, 0, max);
        }

        private static @Nullable String complaint(CharSequence value, int min, int max) {
            var length = value.codePoints().count();
            if (length < min || length > max) {
                return min == 0
                        ? "must have at most %d characters, not %d".formatted(max, length)
                        : "must have %d to %d characters, not %d".formatted(min, max, length);
            }
            var position = 0;
            for (var character : value.codePoints().toArray()) {
                position++;
                if (breaksALine(character)) {
                    return "must be one line without control characters: character %d is U+%04X"
                            .formatted(position, character);
                }
                if (Character.getType(character) == Character.SURROGATE) {
                    return "must be valid Unicode: character %d is half of a surrogate pair".formatted(position);
                }
            }
            return null;
        }
    }
}
