/**
 * The process that heartbeats while the job's steps run. main starts it, tells it by message what it needs, which is secret, and goes; what
 * follows asks it over a socket: check.js whether the lock is still held, post.js to stop.
 *
 * It cannot stop a step, and GitHub shows nothing that it prints. So it keeps renewing whatever happens, remembers what it was told, and says
 * it when asked.
 */

import {setTimeout as sleep} from 'node:timers/promises';
import {listen, removeAddress} from './channel.js';
import {Lease, now} from './lease.js';
import {Service, jitter, reason} from './service.js';

/** How soon a heartbeat that failed is repeated. */
const REPEAT_SECONDS = 1;

/** How often it looks whether the runner lives. */
const LOOK_SECONDS = 5;

/** By then what started main is gone, if it was there for main alone. */
const SETTLE_SECONDS = 5;

/** No job of GitHub takes longer; a forgotten process must not keep a lock for ever. */
const LONGEST_JOB_SECONDS = 5 * 86_400;

class Heart {
  #service;
  #config;
  #lease;
  #nextAt;
  #endAt = now() + LONGEST_JOB_SECONDS;
  #settledAt = now() + SETTLE_SECONDS;
  #runner;
  #beating;
  #lost = null;
  #cancelReason = null;
  #trouble = null;
  #stopped = new AbortController();

  constructor(config) {
    this.#config = config;
    this.#runner = config.runner;
    this.#service = new Service(config.url, config.token);
    this.#renewed(config.sentAt, config.leaseSeconds);
  }

  /** Beats until it is stopped, or nobody is left to do it for. What was lost stays lost; then it only waits to be asked. */
  async run() {
    while (!this.#stopped.signal.aborted && now() < this.#endAt && this.#runnerLives()) {
      if (this.#lost === null && now() >= this.#nextAt) {
        await this.#beat();
      } else {
        const rest = this.#lost === null ? this.#nextAt - now() : LOOK_SECONDS;
        const pause = Math.max(0.01, Math.min(rest, LOOK_SECONDS));
        await sleep(pause * 1000, undefined, {signal: this.#stopped.signal}).catch(() => {});
      }
    }
  }

  async answer(word) {
    if (word === 'stop') {
      this.#stopped.abort();
      await this.#beating;
    } else if (this.#lost === null) {
      await this.#beating; // One that was sent before the question is no answer to it.
      await this.#beat();
    }
    return {lost: this.#lost, cancelReason: this.#cancelReason, trouble: this.#trouble, trusted: now() < this.#lease.trustedUntil};
  }

  #beat() {
    this.#beating ??= this.#send().finally(() => (this.#beating = undefined));
    return this.#beating;
  }

  async #send() {
    let answer;
    try {
      answer = await this.#service.call('POST', `/api/runs/${this.#config.run}/heartbeat`, {lockToken: this.#config.lockToken});
      if (answer.status === 200) {
        this.#renewed(answer.sentAt, answer.body.lease.seconds);
        this.#trouble = null;
        if (answer.body.cancel_requested) this.#cancelReason = answer.body.cancel_reason ?? 'cancelled';
        return;
      }
      this.#trouble = answer.body.detail ?? `HTTP ${answer.status}`;
      if (answer.status === 410) this.#lost = this.#trouble;
    } catch (error) {
      this.#trouble = reason(error);
    }
    this.#nextAt = now() + Math.max(jitter(REPEAT_SECONDS), answer?.retryAfterSeconds ?? 0);
  }

  #renewed(sentAt, seconds) {
    this.#lease = new Lease(sentAt, seconds);
    this.#nextAt = this.#lease.beatAt;
  }

  /**
   * When the runner was killed no post step comes, and the lock must not outlive the lease. In a container the runner is out of sight (0), or
   * there is a shell in its place that was there for main alone: then there is nobody to look for, and the container ends with its job.
   */
  #runnerLives() {
    if (this.#settledAt !== null && now() < this.#settledAt) return true;
    const lives = this.#runner > 1 && isAlive(this.#runner);
    if (this.#settledAt !== null && !lives) this.#runner = 0;
    this.#settledAt = null;
    return lives || this.#runner === 0;
  }
}

function isAlive(id) {
  try {
    return process.kill(id, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

// Signals to a terminal's or a step's processes are not meant for this one.
process.on('SIGINT', () => {});
process.on('SIGHUP', () => {});

const gone = () => process.exit(1); // main went before it said what to do.
process.once('disconnect', gone);
process.once('message', async (config) => {
  process.off('disconnect', gone);
  const heart = new Heart(config);
  const server = await listen(config.address, (word) => heart.answer(word));
  process.send('ready', () => {});
  await heart.run();
  server.close();
  removeAddress(config.address);
});
