/**
 * The HTTP edge: what a client sees whatever the feature behind it does.
 *
 * <p>Every refusal is a {@link io.lockkeeper.web.Problem} of a {@link io.lockkeeper.web.ProblemType}, written by {@link
 * io.lockkeeper.web.ProblemWriter} and by nothing else. Refusals arise at five places, and each leads there: our
 * controllers throw {@link io.lockkeeper.web.ProblemException}; Spring throws its own exceptions (advice); Spring
 * Security refuses (entry point, access denied handler, firewall); somebody calls {@code sendError} (error controller);
 * Tomcat refuses before there is a request to dispatch (error report valve).
 *
 * <p>Request bodies are records whose components say what they accept: an unknown field, another type or a value out of
 * range is refused with the field's name, never coerced or ignored. A null component means that the caller did not say;
 * defaults are filled where the policy is known, not here.
 *
 * <p>Answers are JSON; those that are a {@link io.lockkeeper.web.PlainAnswer} are {@code key=value} lines for a client
 * that asks for {@code text/plain}.
 */
@NullMarked
package io.lockkeeper.web;

import org.jspecify.annotations.NullMarked;
