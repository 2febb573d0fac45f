/** What an action may ask the runner of GitHub Actions, and tell it: inputs, outputs, state, the log, annotations, the summary. */

import {appendFileSync} from 'node:fs';
import {randomUUID} from 'node:crypto';

/** The value of an input, '' when there is none. Dashes stay, as the runner writes them. */
export function input(name) {
  return (process.env[`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`] ?? '').trim();
}

/** What main saved for post. */
export function state(name) {
  return process.env[`STATE_${name}`] ?? '';
}

export function saveState(name, value) {
  tell('GITHUB_STATE', name, value);
}

export function setOutput(name, value) {
  tell('GITHUB_OUTPUT', name, value);
}

/** For the steps that follow. */
export function exportVariable(name, value) {
  tell('GITHUB_ENV', name, value);
}

/** From here on the runner shows *** in its place, whoever prints it. */
export function mask(secret) {
  if (secret) console.log(`::add-mask::${escape(secret)}`);
}

export function say(text) {
  console.log(`lockkeeper: ${harmless(text)}`);
}

export function notice(text) {
  annotate('notice', text);
}

export function warning(text) {
  annotate('warning', text);
}

/** Says it, and has the step fail when it ends. */
export function fail(text) {
  annotate('error', text);
  process.exitCode = 1;
}

/** A paragraph of the job's summary. */
export function summarize(heading, text) {
  const file = process.env.GITHUB_STEP_SUMMARY;
  if (file) appendFileSync(file, `### ${heading}\n\n${harmless(text).replace(/[\\`*_[\]<>|#&]/g, '\\$&')}\n\n`);
}

function annotate(kind, text) {
  console.log(`::${kind} title=Lockkeeper::${escape(harmless(text))}`);
}

/** Into one of the runner's files. A delimiter that nobody can guess keeps a value from being two. */
function tell(file, name, value) {
  const delimiter = `lockkeeper-${randomUUID()}`;
  if (process.env[file]) appendFileSync(process.env[file], `${name}<<${delimiter}\n${value ?? ''}\n${delimiter}\n`);
}

function escape(text) {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

/**
 * As one line. The names and reasons that the service tells were written by other people, and the runner would obey a line that begins with
 * "::" or has "##[" in it.
 */
function harmless(text) {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').replaceAll('##[', '## [');
}
