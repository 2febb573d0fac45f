/** What the workflow asks for, checked before anybody hears of it. */

import {hostname} from 'node:os';
import {randomUUID} from 'node:crypto';
import {input} from './runner.js';

/** What `wait: 0` asks for: a week, the most that the service grants. */
const LONGEST_WAIT_SECONDS = 604_800;

/** The service's limits, in characters. What is too long is cut: nobody's deployment fails for a title. */
const LENGTH = {sha: 100, ref: 255, repository: 255, user: 255, hostname: 255, title: 500, tier: 64, reason: 1000};

/** An input, or the job, is not as it has to be. */
export class Misused extends Error {}

/** @returns {{environments: string[], body: object, onSkip: 'pass' | 'fail' | 'run'}} */
export function readRequest(withIdToken, variables = process.env) {
  const environments = readEnvironments();
  return {
    environments,
    path: environments.length > 1 ? '/api/acquire' : `/api/environments/${environments[0]}/acquire`,
    body: compact({
      environments: environments.length > 1 ? environments : undefined,
      ...readWait(),
      lease_seconds: seconds('lease'),
      batch: choice('batch', {true: true, false: false}),
      coverage: choice('coverage', {pinned: 'pinned', latest: 'latest'}),
      priority: choice('priority', {normal: 'normal', high: 'high'}),
      ...describe(withIdToken, variables),
    }),
    onSkip: choice('on-skip', {pass: 'pass', fail: 'fail', run: 'run'}) ?? 'pass',
  };
}

/** Where the service is. */
export function readUrl(variables = process.env) {
  const url = (input('url') || variables.LOCKKEEPER_URL || '').replace(/\/+$/, '');
  if (!/^https?:\/\/[^\s"\\]+$/.test(url)) {
    throw new Misused(`where is the service? The input url, or the variable LOCKKEEPER_URL, is an address with https://, not "${url}"`);
  }
  return url;
}

/**
 * Makes a repeated request the same run, should the answer to the first one be lost. What the job is called is there for people. It is not
 * enough: the jobs of a matrix have it in common, and would take each other's run for their own.
 */
export function newIdempotencyKey(variables = process.env) {
  const {GITHUB_RUN_ID, GITHUB_RUN_ATTEMPT, GITHUB_JOB, GITHUB_ACTION} = variables;
  const job = [GITHUB_RUN_ID, GITHUB_RUN_ATTEMPT, GITHUB_JOB, GITHUB_ACTION].map((part) => part ?? '').join('-');
  return `github-${job.replace(/[^A-Za-z0-9_.-]/g, '_').slice(0, 150)}-${randomUUID()}`;
}

/** The names go into a path as they are, so nothing but a name's letters may be in them. */
function readEnvironments() {
  const names = input('environment')
    .split(/[,\n]/)
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (names.length === 0) throw new Misused('which environment? The input environment is empty');
  for (const name of names) {
    if (!/^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/.test(name)) {
      throw new Misused(`"${name}" is no environment's name: a-z, 0-9, and between them . _ -`);
    }
  }
  return names;
}

function readWait() {
  switch (input('wait').toLowerCase()) {
    case '':
      return {};
    case 'false':
    case 'no':
      return {mode: 'fail_fast'};
    default:
      return {queue_timeout_seconds: seconds('wait') || LONGEST_WAIT_SECONDS};
  }
}

/**
 * What people see. An ID token says sha, ref, repository, user and address itself, and the service refuses a request that says otherwise: then
 * only what the workflow says on purpose is sent.
 */
function describe(withIdToken, variables) {
  const job = withIdToken
    ? {}
    : {
        sha: variables.GITHUB_SHA,
        ref: variables.GITHUB_REF,
        repository: variables.GITHUB_REPOSITORY,
        user: variables.GITHUB_ACTOR,
        run_url: runUrl(variables),
      };
  const title = variables.GITHUB_WORKFLOW && `${variables.GITHUB_WORKFLOW} #${variables.GITHUB_RUN_NUMBER}`;
  const shown = {
    ...job,
    sha: input('sha') || job.sha,
    ref: input('ref') || job.ref,
    title: input('title') || title,
    tier: input('tier'),
    reason: input('reason'),
    hostname: variables.RUNNER_NAME || hostname(),
    source: 'github-action',
  };
  return Object.fromEntries(Object.entries(shown).map(([name, value]) => [name, name in LENGTH ? cut(value, LENGTH[name]) : value]));
}

function runUrl({GITHUB_SERVER_URL = 'https://github.com', GITHUB_REPOSITORY, GITHUB_RUN_ID}) {
  return GITHUB_REPOSITORY && GITHUB_RUN_ID && `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}/actions/runs/${GITHUB_RUN_ID}`;
}

/** One line of at most so many characters, none of them cut in half; the service takes no line breaks. */
function cut(text, length) {
  if (!text) return text;
  const line = text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();
  return line.length <= length ? line : line.slice(0, length).replace(/[\uD800-\uDBFF]$/, '');
}

function seconds(name) {
  const value = input(name);
  if (value === '') return undefined;
  if (!/^\d{1,8}$/.test(value)) throw new Misused(`the input ${name} is a number of seconds, not "${value}"`);
  return Number(value);
}

function choice(name, values) {
  const value = input(name);
  if (value === '') return undefined;
  if (!Object.hasOwn(values, value)) throw new Misused(`the input ${name} knows ${Object.keys(values).join(', ')}, not "${value}"`);
  return values[value];
}

function compact(body) {
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined && value !== ''));
}
