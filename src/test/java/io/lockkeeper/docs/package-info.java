/**
 * The documentation as a test. {@code Page} reads a Markdown file, {@code Story} runs the examples in it that belong together, and {@code
 * DocumentationIT} does so for every page, with the packaged service. CONTRIBUTING.md says how an example is marked.
 */
@NullMarked
package io.lockkeeper.docs;

import org.jspecify.annotations.NullMarked;
