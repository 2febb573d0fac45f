/** Lockkeeper's HTTP API, and GitHub's service for ID tokens, over a network that fails now and then. */

import {setTimeout as sleep} from 'node:timers/promises';
import {now} from './lease.js';

/** How long one answer may take, on top of the time that it was asked to wait. */
export const ANSWER_SECONDS = 5;

const FIRST_PAUSE_SECONDS = 0.5;
const LONGEST_PAUSE_SECONDS = 4;

/** How long GitHub is asked for an ID token. */
const ID_TOKEN_EFFORT_SECONDS = 30;

/** What will not be better the next time: certificates and addresses. */
const HOPELESS = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS|ERR_SSL|ERR_INVALID_URL/;

/** Nobody answered in time, or what answered is not Lockkeeper. */
export class Unreachable extends Error {}

/** The service answered, and said no. */
export class Refused extends Error {
  /** @param {{status: number, body: {code?: string, detail?: string}}} answer */
  constructor(answer) {
    super(answer.body.detail ?? `the service answers HTTP ${answer.status}`);
    this.code = answer.body.code;
  }
}

export class Service {
  /**
   * @param {string} url the address, without a slash at its end
   * @param {string} token an API token, or an ID token
   * @param {(line: string) => void} say is told when the service does not answer
   */
  constructor(url, token, say = () => {}) {
    this.url = url;
    this.token = token;
    this.say = say;
  }

  /**
   * One request.
   *
   * @param {object} [options]
   * @param {object} [options.body] of the request
   * @param {string} [options.lockToken] for calls about a run
   * @param {string} [options.idempotencyKey] for acquire
   * @param {number} [options.waitSeconds] how long the service is asked to take
   * @param {AbortSignal} [options.signal] cuts the request off
   * @returns {Promise<{status: number, body: object, sentAt: number, retryAfterSeconds: number}>}
   */
  call(method, path, {body, lockToken, idempotencyKey, waitSeconds = 0, signal} = {}) {
    const headers = {Accept: 'application/json', Authorization: `Bearer ${this.token}`};
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    if (lockToken) headers['Lock-Token'] = lockToken;
    if (idempotencyKey) headers['Idempotency-Key'] = idempotencyKey;
    return request(this.url + path, {method, headers, body: body && JSON.stringify(body)}, ANSWER_SECONDS + waitSeconds, signal);
  }

  /**
   * Repeats a request until it is answered, with what is neither "later" (429) nor a failure (5xx).
   *
   * @param {number} effortSeconds how long. The last try may take an answer's time more
   * @param {object} [options] those of call
   * @param {boolean} [options.patient] the signal ends the repeating, but does not cut off a request that is under way
   * @throws {Unreachable}
   */
  insist(effortSeconds, method, path, {patient = false, ...options} = {}) {
    const once = patient ? {...options, signal: undefined} : options;
    return insist(effortSeconds, this.url, () => this.call(method, path, once), options.signal, this.say);
  }
}

/**
 * The job's ID token, from GitHub.
 *
 * @param {{url: string, token: string}} source what the runner tells of it
 */
export async function idToken(source, audience, signal, say) {
  const url = new URL(source.url);
  url.searchParams.set('audience', audience);
  const headers = {Accept: 'application/json', Authorization: `Bearer ${source.token}`};
  const answer = await insist(
    ID_TOKEN_EFFORT_SECONDS,
    "GitHub's ID token service",
    () => request(url, {method: 'GET', headers}, ANSWER_SECONDS, signal),
    signal,
    say,
  );
  if (answer.status !== 200 || typeof answer.body.value !== 'string' || answer.body.value === '') {
    throw new Unreachable(`GitHub gives this job no ID token (HTTP ${answer.status}); it needs "permissions: id-token: write"`);
  }
  return answer.body.value;
}

async function request(url, init, seconds, signal) {
  const sentAt = now();
  const timeout = AbortSignal.timeout(seconds * 1000);
  const response = await fetch(url, {
    ...init,
    redirect: 'manual', // A redirect would carry the tokens somewhere else.
    signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
  });
  const text = await response.text();
  return {
    status: response.status,
    body: parse(text),
    sentAt,
    retryAfterSeconds: Number(response.headers.get('Retry-After')) || 0,
  };
}

async function insist(effortSeconds, whom, attempt, signal, say = () => {}) {
  const giveUpAt = now() + effortSeconds;
  let pause = FIRST_PAUSE_SECONDS;
  for (let trouble = false; ; trouble = true, pause = Math.min(pause * 2, LONGEST_PAUSE_SECONDS)) {
    signal?.throwIfAborted();
    let why;
    let wait = jitter(pause);
    try {
      const answer = await attempt();
      if (answer.status !== 429 && answer.status < 500) {
        if (trouble) say(`${whom} answers again`);
        return answer;
      }
      why = `HTTP ${answer.status} ${answer.body.detail ?? ''}`.trim();
      wait = Math.max(wait, answer.retryAfterSeconds);
    } catch (error) {
      signal?.throwIfAborted();
      why = reason(error);
      if (HOPELESS.test(error.cause?.code ?? error.code ?? '')) throw new Unreachable(`${whom}: ${why}`);
    }
    const rest = giveUpAt - now();
    if (rest <= 0) throw new Unreachable(`${whom} does not answer: ${why}`);
    if (!trouble) say(`${whom} does not answer (${why}); trying again for ${Math.ceil(rest)} s`);
    await sleep(Math.min(wait, rest) * 1000, undefined, {signal}).catch(() => signal.throwIfAborted());
  }
}

/** Between a half and one and a half of it, lest all clients of a restarted service return at once. */
export function jitter(seconds) {
  return seconds * (0.5 + Math.random());
}

/** Why a request had no answer, in a few words. */
export function reason(error) {
  if (error.name === 'TimeoutError') return 'no answer in time';
  return error.cause?.code ?? error.cause?.message ?? error.message;
}

/** What is no object of JSON is somebody else's answer, and has nothing of ours in it. */
function parse(text) {
  try {
    const body = JSON.parse(text);
    return body !== null && typeof body === 'object' ? body : {};
  } catch {
    return {};
  }
}
