/** Ends the run as the job ended, and says what nobody could say while its steps ran. */

import {ask} from './channel.js';
import {fail, input, mask, say, state, summarize, warning} from './runner.js';
import {ANSWER_SECONDS, Service, Unreachable} from './service.js';

/** How long a release is retried. The last try may take an answer's time more. */
const RELEASE_SECONDS = 10;

async function post() {
  mask(state('token'));
  mask(state('lock_token'));
  const heartbeat = state('heartbeat') ? await stopHeartbeat(state('heartbeat')) : null;
  const run = state('run');
  if (!run || state('over')) return;

  const status = outcome(heartbeat);
  const body = {status};
  if (status === 'success' && input('deployed-sha')) body.deployed_sha = input('deployed-sha').slice(0, 100);

  const service = new Service(state('url'), state('token'), say);
  const path = `/api/runs/${run}/release`;
  const answer = await service.insist(RELEASE_SECONDS, 'POST', path, {lockToken: state('lock_token'), body});
  if (answer.status === 410) {
    const detail = answer.body.detail ?? 'the lease is lost';
    fail(`The lock was lost before the job was done; the steps went on without it. ${detail}`);
    summarize('The lock was lost', `${detail} Another deployment may have run at the same time: look at what is live.`);
  } else if (answer.status >= 300) {
    warning(`Run ${run} could not be released: ${answer.body.detail ?? `HTTP ${answer.status}`}. Its lock is free when its lease ends.`);
  } else {
    say(answer.body.message);
    if (heartbeat?.cancelReason) tellOfCancel(run, status, heartbeat.cancelReason);
  }
}

/** What the process that heartbeats has been told; null when there is none any more. */
async function stopHeartbeat(address) {
  try {
    return await ask(address, 'stop', 2 * ANSWER_SECONDS);
  } catch (error) {
    if (state('held')) warning(`The process that heartbeats is gone (${error.message}); the lock was held as long as its lease.`);
    return null;
  }
}

/** How the run ends. A job that was asked to stop, and did, is cancelled; one that went on to the end has deployed. */
function outcome(heartbeat) {
  if (!state('held')) return 'cancelled'; // main was stopped before it had the lock.
  const status = input('job-status').toLowerCase();
  if (status === 'success') return 'success';
  return status === 'cancelled' || heartbeat?.cancelReason ? 'cancelled' : 'failure';
}

function tellOfCancel(run, status, reason) {
  const end = status === 'success' ? 'Its steps did not look, and the deployment went on to its end.' : 'It has stopped.';
  fail(`Run ${run} was asked to stop (${reason}). ${end}`);
  summarize('Asked to stop', `${reason}. ${end}`);
}

post().catch((error) => {
  if (!(error instanceof Unreachable)) throw error;
  warning(`Run ${state('run')} could not be released: ${error.message}. Its lock is free when its lease ends, and the run will be called expired.`);
});
