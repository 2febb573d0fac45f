package io.lockkeeper.environment;

import static java.util.Objects.requireNonNullElse;

import com.fasterxml.jackson.annotation.JsonProperty;
import jakarta.validation.Constraint;
import jakarta.validation.ConstraintValidator;
import jakarta.validation.ConstraintValidatorContext;
import jakarta.validation.Payload;
import jakarta.validation.Valid;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Pattern;
import jakarta.validation.constraints.Size;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.Name;

/**
 * What people say about an environment, in the configuration or through the API. Whatever is left out has its default, so a declaration
 * is the whole policy and not a change of it.
 *
 * @param lockGroup what is locked; the environment's own name unless several are to share one
 */
public record PolicyDeclaration(
        @Nullable @Pattern(regexp = EnvironmentName.PATTERN, message = EnvironmentName.RULE)
        String lockGroup,

        @Nullable
        @Min(value = 5, message = "must be between 5 and 86400 seconds")
        @Max(value = 86_400, message = "must be between 5 and 86400 seconds")
        Integer leaseSeconds,

        @Nullable
        @Min(value = 1, message = "must be between 1 and 604800 seconds")
        @Max(value = 604_800, message = "must be between 1 and 604800 seconds")
        Integer queueTimeoutSeconds,

        @Nullable
        @Min(value = 1, message = "must be between 1 and 604800 seconds")
        @Max(value = 604_800, message = "must be between 1 and 604800 seconds")
        Integer maxHoldSeconds,

        @Nullable
        @Min(value = 0, message = "must be between 0 and 1000")
        @Max(value = 1000, message = "must be between 0 and 1000")
        Integer batchThreshold,

        @Nullable
        @Min(value = 0, message = "must be between 0 and 86400 seconds")
        @Max(value = 86_400, message = "must be between 0 and 86400 seconds")
        Integer batchWindowSeconds,

        @Nullable QueueMode queueMode,
        @Nullable Boolean cancelInProgress,

        @Nullable
        @Min(value = 0, message = "must be between 0 and 10")
        @Max(value = 10, message = "must be between 0 and 10")
        Integer approvalsRequired,

        @Nullable @Size(max = 100, message = "must name at most 100 approvers")
        List<
                        @NotBlank(message = "must not be blank")
                        @Size(max = 255, message = "must have at most 255 characters")
                        @Pattern(regexp = ONE_LINE, message = NOT_ONE_LINE) String>
                approvers,

        @Nullable
        @Min(value = 1, message = "must be between 1 and 2592000 seconds")
        @Max(value = 2_592_000, message = "must be between 1 and 2592000 seconds")
        Integer approvalTimeoutSeconds,

        @Nullable @Pattern(regexp = EnvironmentName.PATTERN, message = EnvironmentName.RULE)
        String promoteFrom,

        @Nullable OnFailure onFailure,

        @Nullable @HealthAddress String healthUrl,

        @JsonProperty("protected") @Name("protected") @Nullable
        Boolean isProtected,

        @Nullable @Size(max = 20, message = "must have at most 20 windows")
        List<@NotNull(message = "must not be null") @Valid Window> freezeWindows) {

    /** No control character, no line break of any script, no half of a surrogate pair: what a database or a terminal would choke on. */
    private static final String ONE_LINE = "[^\\p{Cc}\\p{Zl}\\p{Zp}\\p{Cs}]*";

    private static final String NOT_ONE_LINE = "must be one line without control characters";

    /** What an environment has of which nobody says anything. */
    public static final PolicyDeclaration EMPTY = new PolicyDeclaration(
            null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null);

    /** A recurring freeze; see {@link FreezeWindow}. */
    public record Window(
            @NotBlank(message = "is required")
            @Size(max = 255, message = "must have at most 255 characters")
            @Pattern(regexp = ONE_LINE, message = NOT_ONE_LINE)
            @Cron
            @Nullable
            String cron,

            @NotBlank(message = "is required") @TimeZone @Nullable
            String timeZone,

            @Min(value = 60, message = "must be between 60 and 2678400 seconds")
            @Max(value = 2_678_400, message = "must be between 60 and 2678400 seconds")
            int durationSeconds,

            @NotBlank(message = "is required: it is what those who wait are told")
            @Size(max = 1000, message = "must have at most 1000 characters")
            @Pattern(regexp = ONE_LINE, message = NOT_ONE_LINE)
            @Nullable
            String reason) {

        private FreezeWindow window() {
            return new FreezeWindow(
                    requireNonNullElse(cron, ""),
                    requireNonNullElse(timeZone, ""),
                    Duration.ofSeconds(durationSeconds),
                    requireNonNullElse(reason, ""));
        }
    }

    public LockGroup lockGroup(EnvironmentName environment) {
        return new LockGroup(requireNonNullElse(lockGroup, environment.value()));
    }

    /** The policy that this declares; call it for a valid declaration only. */
    public EnvironmentPolicy policy() {
        EnvironmentPolicy absent = EnvironmentPolicy.DEFAULT;
        return new EnvironmentPolicy(
                seconds(leaseSeconds, absent.lease()),
                seconds(queueTimeoutSeconds, absent.queueTimeout()),
                maxHoldSeconds == null ? null : Duration.ofSeconds(maxHoldSeconds),
                requireNonNullElse(batchThreshold, absent.batchThreshold()),
                seconds(batchWindowSeconds, absent.batchWindow()),
                requireNonNullElse(queueMode, absent.queueMode()),
                requireNonNullElse(cancelInProgress, absent.cancelInProgress()),
                requireNonNullElse(approvalsRequired, absent.approvalsRequired()),
                requireNonNullElse(approvers, absent.approvers()),
                seconds(approvalTimeoutSeconds, absent.approvalTimeout()),
                promoteFrom == null ? null : new EnvironmentName(promoteFrom),
                requireNonNullElse(onFailure, absent.onFailure()),
                healthUrl,
                requireNonNullElse(isProtected, absent.isProtected()),
                requireNonNullElse(freezeWindows, List.<Window>of()).stream()
                        .map(Window::window)
                        .toList());
    }

    private static Duration seconds(@Nullable Integer value, Duration absent) {
        return value == null ? absent : Duration.ofSeconds(value);
    }

    @Target({ElementType.FIELD, ElementType.PARAMETER})
    @Retention(RetentionPolicy.RUNTIME)
    @Constraint(validatedBy = HealthAddress.Validator.class)
    @interface HealthAddress {
        String message() default HealthUrl.RULE;

        Class<?>[] groups() default {};

        Class<? extends Payload>[] payload() default {};

        /** Leaves the rules to {@link HealthUrl}. */
        final class Validator implements ConstraintValidator<HealthAddress, @Nullable String> {
            @Override
            public boolean isValid(@Nullable String value, ConstraintValidatorContext context) {
                return value == null || HealthUrl.isValid(value);
            }
        }
    }

    @Target({ElementType.FIELD, ElementType.PARAMETER})
    @Retention(RetentionPolicy.RUNTIME)
    @Constraint(validatedBy = Cron.Validator.class)
    @interface Cron {
        String message() default
                "must be a cron expression: minute, hour, day of month, month and day of week, such as 0 16 * * FRI";

        Class<?>[] groups() default {};

        Class<? extends Payload>[] payload() default {};

        /** Leaves the rules to the parser. */
        final class Validator implements ConstraintValidator<Cron, @Nullable String> {
            @Override
            public boolean isValid(@Nullable String value, ConstraintValidatorContext context) {
                return value == null || value.isBlank() || FreezeWindow.isCron(value);
            }
        }
    }

    @Target({ElementType.FIELD, ElementType.PARAMETER})
    @Retention(RetentionPolicy.RUNTIME)
    @Constraint(validatedBy = TimeZone.Validator.class)
    @interface TimeZone {
        String message() default "must be a time zone, such as Europe/Berlin or UTC";

        Class<?>[] groups() default {};

        Class<? extends Payload>[] payload() default {};

        /** Leaves the rules to the JDK. */
        final class Validator implements ConstraintValidator<TimeZone, @Nullable String> {
            @Override
            public boolean isValid(@Nullable String value, ConstraintValidatorContext context) {
                return value == null || value.isBlank() || FreezeWindow.isTimeZone(value);
            }
        }
    }
}
