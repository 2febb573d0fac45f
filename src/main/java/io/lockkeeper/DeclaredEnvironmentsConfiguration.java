package io.lockkeeper;

import io.lockkeeper.database.StartupRefused;
import io.lockkeeper.environment.DeclaredEnvironments;
import io.lockkeeper.environment.DefaultEnvironment;
import io.lockkeeper.environment.EnvironmentName;
import io.lockkeeper.environment.PolicyDeclaration;
import jakarta.validation.ConstraintViolation;
import jakarta.validation.Validator;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.context.properties.bind.BindException;
import org.springframework.boot.context.properties.bind.BindHandler;
import org.springframework.boot.context.properties.bind.BindResult;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.bind.UnboundConfigurationPropertiesException;
import org.springframework.boot.context.properties.bind.handler.NoUnboundElementsBindHandler;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName;
import org.springframework.boot.context.properties.source.ConfigurationPropertySource;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.NestedExceptionUtils;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.SystemEnvironmentPropertySource;

/**
 * Reads {@code lockkeeper.environments}: {@code auto-create}, and a policy under the name of each environment. A start with a key or value
 * that makes no sense is refused with one sentence that names it.
 */
@Configuration(proxyBeanMethods = false)
class DeclaredEnvironmentsConfiguration {
    private static final ConfigurationPropertyName ROOT = ConfigurationPropertyName.of("lockkeeper.environments");
    private static final String AUTO_CREATE = "auto-create";
    private static final String VARIABLES = "LOCKKEEPER_ENVIRONMENTS_";

    /** Such as {@code LOCKKEEPER_ENVIRONMENTS_PRODUCTION_LEASESECONDS} or {@code ..._FREEZEWINDOWS_0_CRON}. */
    private static final Pattern VARIABLE =
            Pattern.compile(VARIABLES + "(AUTO_?CREATE|[A-Z0-9]+_(" + keys(PolicyDeclaration.class)
                    + ")(_[0-9]+)?|[A-Z0-9]+_FREEZEWINDOWS_[0-9]+_(" + keys(PolicyDeclaration.Window.class) + "))");

    private static final String WHAT_TO_DO = "Correct it and start again; docs/policy.md lists every key.";

    @Bean
    DefaultEnvironment defaultEnvironment(@Value("${lockkeeper.default-environment:production}") String name) {
        if (!EnvironmentName.isValid(name)) {
            throw new StartupRefused(
                    "The setting lockkeeper.default-environment is not an environment's name: it "
                            + EnvironmentName.RULE + ".",
                    "Correct it and start again.");
        }
        return new DefaultEnvironment(new EnvironmentName(name));
    }

    @Bean
    DeclaredEnvironments declaredEnvironments(ConfigurableEnvironment settings, Validator validator) {
        settings.getPropertySources().stream()
                .filter(SystemEnvironmentPropertySource.class::isInstance)
                .map(SystemEnvironmentPropertySource.class::cast)
                .flatMap(variables -> Arrays.stream(variables.getPropertyNames()))
                .forEach(DeclaredEnvironmentsConfiguration::requireKnown);
        Binder binder = Binder.get(settings);
        try {
            boolean autoCreate = binder.bind(ROOT.append(AUTO_CREATE), Bindable.of(Boolean.class))
                    .orElse(true);
            Map<EnvironmentName, PolicyDeclaration> declarations = new TreeMap<>();
            binder.bind(ROOT, Bindable.mapOf(String.class, Object.class)).orElse(Map.of()).keySet().stream()
                    .filter(name -> !name.equals(AUTO_CREATE) && !name.equals("autocreate") && !name.equals("auto"))
                    .forEach(name -> declarations.put(environment(name), declaration(binder, validator, name)));
            return new DeclaredEnvironments(autoCreate, declarations);
        } catch (BindException e) {
            throw refused(e);
        }
    }

    /**
     * A variable that ends with no key would be passed over in silence, and one with an underscore in the name would be another environment's: a
     * variable cannot say whether that is meant as a dash or a dot.
     */
    private static void requireKnown(String variable) {
        String name = variable.toUpperCase(Locale.ROOT);
        if (name.startsWith(VARIABLES) && !VARIABLE.matcher(name).matches()) {
            throw new StartupRefused(
                    "The environment variable " + variable
                            + " is not the name of an environment in letters and digits and then a key without dashes. An environment with another name is declared in a file.",
                    WHAT_TO_DO);
        }
    }

    private static String keys(Class<? extends Record> of) {
        return Arrays.stream(of.getRecordComponents())
                .map(component -> component.getName().equals("isProtected") ? "protected" : component.getName())
                .map(key -> key.toUpperCase(Locale.ROOT))
                .collect(Collectors.joining("|"));
    }

    private static StartupRefused refused(BindException e) {
        String complaint = NestedExceptionUtils.getMostSpecificCause(e)
                        instanceof UnboundConfigurationPropertiesException unbound
                ? "The setting "
                        + unbound.getUnboundProperties().iterator().next().getName() + " is not known."
                : "The setting " + e.getName() + " has a value that cannot be read.";
        return new StartupRefused(complaint, WHAT_TO_DO, e);
    }

    private static EnvironmentName environment(String name) {
        if (!EnvironmentName.isValid(name)) {
            throw new StartupRefused(
                    "The setting " + ROOT + "." + name + " is not for an environment: its name " + EnvironmentName.RULE
                            + ".",
                    WHAT_TO_DO);
        }
        return new EnvironmentName(name);
    }

    /** A name may be written as it is, or in brackets, as it must be with a dot or an underscore in it. */
    private static PolicyDeclaration declaration(Binder binder, Validator validator, String name) {
        ConfigurationPropertyName bracketed = ROOT.append("[" + name + "]");
        boolean isPlain = !name.contains(".") && ConfigurationPropertyName.isValid(name);
        Optional<PolicyDeclaration> plain = isPlain ? bind(binder, ROOT.append(name)) : Optional.empty();
        PolicyDeclaration declaration = plain.or(() -> bind(binder, bracketed)).orElse(PolicyDeclaration.EMPTY);
        validator.validate(declaration).stream()
                .min(Comparator.comparing(
                        violation -> violation.getPropertyPath().toString()))
                .ifPresent(violation -> refuse(isPlain ? ROOT.append(name) : bracketed, violation));
        return declaration;
    }

    private static Optional<PolicyDeclaration> bind(Binder binder, ConfigurationPropertyName key) {
        BindResult<PolicyDeclaration> result = binder.bind(
                key,
                Bindable.of(PolicyDeclaration.class),
                new NoUnboundElementsBindHandler(BindHandler.DEFAULT, DeclaredEnvironmentsConfiguration::isWritten));
        return result.isBound() ? Optional.of(result.get()) : Optional.empty();
    }

    /** An environment variable can be read as several keys, so that one of another meaning is not told from a wrong one. */
    private static boolean isWritten(ConfigurationPropertySource source) {
        return !(source.getUnderlyingSource() instanceof SystemEnvironmentPropertySource);
    }

    private static void refuse(ConfigurationPropertyName key, ConstraintViolation<PolicyDeclaration> violation) {
        String field = violation
                .getPropertyPath()
                .toString()
                .replace("isProtected", "protected")
                .replace(".<list element>", "")
                .replaceAll("([A-Z])", "-$1")
                .toLowerCase(Locale.ROOT);
        throw new StartupRefused(
                "The setting " + key + "." + field + " " + violation.getMessage() + ", and is "
                        + violation.getInvalidValue() + ".",
                WHAT_TO_DO);
    }
}
