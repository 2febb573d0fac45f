/** Waits in line, and leaves with the lock, and with a process that keeps it. The heads of the functions tell the story from top to bottom. */

import {fork} from 'node:child_process';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import {newAddress} from './channel.js';
import {Lease, now} from './lease.js';
import {Misused, newIdempotencyKey, readRequest, readUrl} from './request.js';
import {exportVariable, fail, input, mask, notice, saveState, say, setOutput, summarize} from './runner.js';
import {Refused, Service, Unreachable, idToken} from './service.js';

/** How long a service that does not answer is tried while there is no run to lose. */
const FIRST_CONTACT_SECONDS = 60;

/** After this much silence the service has given away our place in the queue (its presence deadline). */
const PRESENCE_SECONDS = 120;

/** How long a grant waits for its client (the service's pick-up deadline). */
const PICK_UP_SECONDS = 60;

/** How long one call waits in the queue. The service allows 60; proxies often cut at 60. */
const POLL_SECONDS = 30;

/** The runner kills 10 seconds after the first signal. */
const LEAVE_SECONDS = 2;

const START_SECONDS = 30;

/** The signal that asks us to leave; a job that is cancelled gets INT, and TERM 7.5 seconds later. */
const interruption = new AbortController();
const SIGNALS = {SIGHUP: 129, SIGINT: 130, SIGTERM: 143};
for (const [signal, status] of Object.entries(SIGNALS)) {
  process.on(signal, () => {
    process.exitCode = status;
    interruption.abort(new Error(signal));
  });
}

async function main() {
  const source = idTokenSource();
  const url = readUrl();
  const request = readRequest(source !== null);
  const token = source === null ? input('token') : await idToken(source, input('audience') || url, interruption.signal, say);
  mask(token);
  const service = new Service(url, token, say);
  saveState('url', url);
  saveState('token', token);

  let run = await acquire(service, request, request.body);
  try {
    let answer = await awaitTurn(service, run, request);
    if (answer.outcome === 'skipped' && request.onSkip === 'run') {
      say(`${answer.message} Queueing all the same.`);
      run = await acquire(service, request, {...request.body, batch: false});
      answer = await awaitTurn(service, run, request);
    }
    if (answer.outcome !== 'granted') {
      turnAway(run, answer, request.onSkip);
      return;
    }
    await keep(service, run, answer);
  } catch (error) {
    await leave(service, run);
    throw error;
  }
}

/** Where the job's ID token comes from; null when the workflow gives a token. */
function idTokenSource() {
  if (input('token')) return null;
  const {ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: token} = process.env;
  if (!url || !token) {
    throw new Misused('who are you? Give the input token (is the secret set, and may this workflow see it?), or the job "permissions: id-token: write"');
  }
  return {url, token};
}

/** @returns the run, and what the service said of it */
async function acquire(service, request, body) {
  const sentAt = now(); // The first try's: a lease may be as old as that.
  const answer = await service.insist(FIRST_CONTACT_SECONDS, 'POST', request.path, {
    body,
    idempotencyKey: newIdempotencyKey(),
    signal: interruption.signal,
    patient: true, // An answer that is not heard leaves a run in the queue that nobody knows.
  });
  mask(answer.body.lock_token);
  const known = understood(answer);
  const run = {id: known.run.id, lockToken: known.lock_token, environments: request.environments.join(', '), answer: known, sentAt};
  saveState('run', run.id);
  saveState('lock_token', run.lockToken);
  setOutput('run-id', run.id);
  if (known.environment_created) say(`${run.environments} is new: no run has named it before`);
  return run;
}

/** Stands in the queue, and says who is in the way, again only when that changes. */
async function awaitTurn(service, run, request) {
  let told = '';
  let answer = run.answer;
  const patience = Math.min(PRESENCE_SECONDS, request.body.queue_timeout_seconds ?? PRESENCE_SECONDS);
  while (answer.outcome === 'queued') {
    const standing = JSON.stringify([answer.run.status, answer.position, answer.blockers]); // That the estimate runs down is no change.
    if (standing === told) {
      await sleep(200); // So the call timed out, or was woken for nothing. Should the latter repeat itself, this is no busy loop.
    } else {
      told = standing;
      say(answer.message);
    }
    const news = await service.insist(patience, 'GET', `/api/runs/${run.id}?wait_seconds=${POLL_SECONDS}`, {
      lockToken: run.lockToken,
      waitSeconds: POLL_SECONDS,
      signal: interruption.signal,
    });
    answer = understood(news);
    run.sentAt = news.sentAt;
  }
  interruption.signal.throwIfAborted();
  return answer;
}

/** There is nothing to deploy: the run was skipped, or it ended while it waited. */
function turnAway(run, answer, onSkip) {
  saveState('over', 'yes');
  setOutput('outcome', answer.outcome);
  setOutput('reason', answer.message);
  setOutput('covered-by', answer.batched_into ?? '');
  if (answer.outcome === 'skipped' && onSkip === 'pass') {
    notice(`${answer.message} Nothing is deployed by this job.`);
    summarize(`Not deployed to ${run.environments}`, `${answer.message} The steps that deploy are skipped when they ask for the outcome "granted".`);
  } else {
    fail(answer.message);
    summarize(`Not deployed to ${run.environments}`, answer.message);
  }
}

/** From here on another process heartbeats, and the job's steps may deploy. */
async function keep(service, run, granted) {
  let leaseSeconds = granted.lease.seconds;
  // A lease is trusted from the moment its request was sent. A call that waited in the queue was sent long before the grant: renew.
  if (now() - run.sentAt > 0.5) {
    const answer = await service.insist(PICK_UP_SECONDS, 'POST', `/api/runs/${run.id}/heartbeat`, {
      lockToken: run.lockToken,
      signal: interruption.signal,
    });
    leaseSeconds = understood(answer).lease.seconds;
    run.sentAt = answer.sentAt;
  }
  new Lease(run.sentAt, leaseSeconds); // One of no length is refused while it can still be given back.
  const address = newAddress();
  saveState('heartbeat', address);
  await startHeartbeat({
    url: service.url,
    token: service.token,
    run: run.id,
    lockToken: run.lockToken,
    sentAt: run.sentAt,
    leaseSeconds,
    address,
    runner: process.ppid,
  });
  interruption.signal.throwIfAborted();

  saveState('held', 'yes');
  setOutput('outcome', 'granted');
  setOutput('reason', granted.message);
  setOutput('fencing-token', granted.fencing_token);
  setOutput('deploy-sha', granted.deploy.sha ?? '');
  exportVariable('LOCKKEEPER_RUN_ID', run.id);
  exportVariable('LOCKKEEPER_FENCING_TOKEN', granted.fencing_token);
  exportVariable('LOCKKEEPER_DEPLOY_SHA', granted.deploy.sha ?? '');
  exportVariable('LOCKKEEPER_HEARTBEAT', address);
  say(`${granted.message} (fencing token ${granted.fencing_token}, lease ${leaseSeconds} s)`);
}

/** Secrets go by message, since everybody can read arguments; and what only the job's steps need does not go at all. */
function startHeartbeat(config) {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(INPUT|STATE|ACTIONS)_/.test(name)));
  const child = fork(fileURLToPath(new URL('heartbeat.js', import.meta.url)), {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'], // The runner waits for everybody who has its pipes.
    env,
  });
  return new Promise((started, failed) => {
    const limit = setTimeout(() => failed(new Error('it does not start')), START_SECONDS * 1000);
    child.once('error', failed);
    child.once('exit', (status) => failed(new Error(`it ended with status ${status}`)));
    child.once('message', started);
    child.send(config);
    child.once('message', () => clearTimeout(limit));
  })
    .catch((error) => {
      throw new Unreachable(`the process that heartbeats cannot be started: ${error.message}`);
    })
    .finally(() => {
      child.removeAllListeners();
      if (child.connected) child.disconnect();
      child.unref();
    });
}

/** Out of the queue, or back with what was granted. If this fails, post tries again. */
async function leave(service, run) {
  if (interruption.signal.aborted) say(`interrupted; run ${run.id} leaves`);
  try {
    await service.insist(LEAVE_SECONDS, 'POST', `/api/runs/${run.id}/release`, {lockToken: run.lockToken, body: {status: 'cancelled'}});
    saveState('over', 'yes');
  } catch (error) {
    say(`run ${run.id} could not leave: ${error.message}`);
  }
}

/** The body of a success that is Lockkeeper's. */
function understood(answer) {
  if (answer.status >= 400 && answer.body.code) throw new Refused(answer);
  if (answer.status >= 300 || !answer.body.outcome) {
    throw new Unreachable(`the service answers HTTP ${answer.status}, but not like Lockkeeper; is the input url its address?`);
  }
  return answer.body;
}

main().catch((error) => {
  if (interruption.signal.aborted) return;
  setOutput('outcome', error instanceof Refused ? 'refused' : 'error');
  setOutput('reason', error.message);
  fail(error instanceof Refused || error instanceof Unreachable || error instanceof Misused ? error.message : error.stack);
});
