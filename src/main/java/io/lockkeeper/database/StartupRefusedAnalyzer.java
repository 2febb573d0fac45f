package io.lockkeeper.database;

import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Lets Spring Boot report {@link StartupRefused} as what it is, without a stack trace. */
final class StartupRefusedAnalyzer extends AbstractFailureAnalyzer<StartupRefused> {

    @Override
    protected FailureAnalysis analyze(Throwable rootFailure, StartupRefused refused) {
        return new FailureAnalysis(refused.description(), refused.action(), rootFailure);
    }
}
