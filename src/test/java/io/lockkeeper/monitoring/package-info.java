/** What others make of the metrics: alerts, the dashboard, and the pages about them. */
@NullMarked
package io.lockkeeper.monitoring;

import org.jspecify.annotations.NullMarked;
