/** Whether the job may go on: asks the process that heartbeats, which asks the service. */

import {ask} from './channel.js';
import {fail, say} from './runner.js';
import {ANSWER_SECONDS} from './service.js';

async function check() {
  const {LOCKKEEPER_HEARTBEAT: address, LOCKKEEPER_RUN_ID: run} = process.env;
  if (!address) {
    fail('This job holds no lock: the action lockkeeper has not run before, or was skipped.');
    return;
  }
  let heartbeat;
  try {
    heartbeat = await ask(address, 'check', 3 * ANSWER_SECONDS);
  } catch (error) {
    fail(`The process that heartbeats is gone (${error.message}), and the lock with it.`);
    return;
  }
  if (heartbeat.lost) {
    fail(`Run ${run} has lost its lock. ${heartbeat.lost}`);
  } else if (!heartbeat.trusted) {
    fail(`Run ${run} may have lost its lock: no heartbeat was answered in time (${heartbeat.trouble}).`);
  } else if (heartbeat.cancelReason) {
    fail(`Run ${run} is asked to stop: ${heartbeat.cancelReason}.`);
  } else {
    say(`run ${run} holds its lock${heartbeat.trouble ? `, though the service did not answer just now (${heartbeat.trouble})` : ''}`);
  }
}

await check();
