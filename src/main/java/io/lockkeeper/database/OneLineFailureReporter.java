package io.lockkeeper.database;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.diagnostics.FailureAnalysisReporter;

/**
 * Says in one line on stderr why the start failed and what to do: for our own {@link StartupRefused} and for everything else that Spring
 * Boot can explain, such as a port in use. Boot's reporter, which writes a page into the log, is silenced in {@code application.yaml}.
 */
final class OneLineFailureReporter implements FailureAnalysisReporter {

    @Override
    public void report(FailureAnalysis analysis) {
        System.err.println(line(analysis.getDescription(), analysis.getAction()));
    }

    static String line(String description, @Nullable String action) {
        var text = action == null ? description : description + " " + action;
        return "lockkeeper: " + text.strip().replaceAll("\\s+", " ");
    }
}
