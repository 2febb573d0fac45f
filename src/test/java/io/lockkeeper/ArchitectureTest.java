package io.lockkeeper;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import org.springframework.web.bind.annotation.RestController;

/** The edges between the packages: dependencies point inward, to the rules of the queue, which know nothing of the outside. */
@AnalyzeClasses(packagesOf = LockkeeperApplication.class, importOptions = DoNotIncludeTests.class)
class ArchitectureTest {

    @ArchTest
    static final ArchRule coordination_knows_only_environments_and_the_database = classes()
            .that()
            .resideInAPackage("io.lockkeeper.coordination..")
            .should()
            .onlyDependOnClassesThat(resideInAnyPackage(
                    "io.lockkeeper.coordination..",
                    "io.lockkeeper.environment..",
                    "java..",
                    "org.jspecify.annotations..",
                    "org.slf4j..",
                    "org.springframework.jdbc..",
                    "org.springframework.dao..",
                    "org.springframework.transaction.."))
            .because(
                    "who may deploy is decided in one place, and must be readable and testable without HTTP, JSON or a container");

    @ArchTest
    static final ArchRule planning_touches_no_database_and_no_clock = noClasses()
            .that()
            .haveNameMatching(
                    "io\\.lockkeeper\\.coordination\\.(Planner|Board|Deploy|Plan|Change|Verdict|Transition)(\\$.*)?")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("java.sql..", "javax.sql..", "org.springframework..")
            .orShould()
            .callMethod(java.time.Instant.class, "now")
            .orShould()
            .callMethod(System.class, "currentTimeMillis")
            .orShould()
            .callMethod(System.class, "nanoTime")
            .because(
                    "a plan is a pure function of its snapshot (invariant 5), and its time is the database's (invariant 6)");

    @ArchTest
    static final ArchRule coordination_reads_no_clock_of_its_replica = noClasses()
            .that()
            .resideInAPackage("io.lockkeeper.coordination..")
            .should()
            .callMethod(java.time.Instant.class, "now")
            .orShould()
            .callMethod(System.class, "currentTimeMillis")
            .because("no decision compares a replica's clock with a stored time (invariant 6)");

    @ArchTest
    static final ArchRule environment_knows_nobody = classes()
            .that()
            .resideInAPackage("io.lockkeeper.environment..")
            .should()
            .onlyDependOnClassesThat(not(resideInAPackage("io.lockkeeper..")
                            .or(resideInAPackage("org.springframework.."))
                            .or(resideInAPackage("jakarta..")))
                    .or(resideInAPackage("io.lockkeeper.environment.."))
                    .or(resideInAnyPackage(
                            "jakarta.validation..",
                            "org.springframework.stereotype..",
                            "org.springframework.beans.factory.annotation..",
                            "org.springframework.boot.context.properties.bind..",
                            "org.springframework.scheduling.support.."))
                    .as(
                            "know nobody but themselves, nor of libraries more than cron expressions and the annotations that make,"
                                    + " check and configure them"))
            .because("everything else speaks of environments, so that they can speak of nothing else");

    @ArchTest
    static final ArchRule controllers_are_used_by_nobody = noClasses()
            .that(describe(
                    "are not part of one",
                    type -> !type.getEnclosingClass()
                            .map(ArchitectureTest::isController)
                            .orElse(false)))
            .should()
            .dependOnClassesThat(describe("are controllers", ArchitectureTest::isController))
            .because("controllers translate between HTTP and a feature; what others need belongs to the feature")
            .allowEmptyShould(true);

    @ArchTest
    static final ArchRule packages_are_named_by_feature = noClasses()
            .should()
            .resideInAnyPackage("..util..", "..utils..", "..common..", "..model..", "..dto..", "..impl..")
            .because("a class lives with its feature and a helper with its only user, where readers look for it");

    @ArchTest
    static final ArchRule packages_are_free_of_cycles = slices().matching("io.lockkeeper.(*)..")
            .should()
            .beFreeOfCycles()
            .because("a package can only be understood alone if it does not lead back to itself");

    private static boolean isController(JavaClass type) {
        return type.isAnnotatedWith(RestController.class);
    }
}
