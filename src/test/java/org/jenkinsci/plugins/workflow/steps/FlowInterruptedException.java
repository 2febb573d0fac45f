package org.jenkinsci.plugins.workflow.steps;

/** Stands in for the class of Jenkins' plugin workflow-step-api, by which a pipeline tells an abort from a failure. */
public final class FlowInterruptedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public FlowInterruptedException(String message) {
        super(message);
    }
}
