/** What the Jenkins library imports. */
@NullMarked
package org.jenkinsci.plugins.workflow.steps;

import org.jspecify.annotations.NullMarked;
