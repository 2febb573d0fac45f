/** For how long the lock may be believed in. */

import os from 'node:os';

const HEARTBEAT_SECONDS = 30;

/** For clocks that do not tick finely: macOS tells whole seconds. */
const MARGIN_SECONDS = 1;

/** For clocks that run unevenly. */
const MARGIN_SHARE = 0.01;

/**
 * Seconds since the machine was started. Other than the date nobody can set it, other than performance.now() it goes on while the machine
 * sleeps, and all processes have the same.
 */
export function now() {
  return os.uptime();
}

/**
 * A lease as its holder has to see it. The service counts from when it got the request; when that was, only the service knows, so the holder
 * counts from when it *sent* the request, and stops believing a little before the end:
 *
 *     sent          beatAt                                  trustedUntil   lease ends
 *      |---------------|------------------------------------------|-- margin --|
 *       a third of the lease, at most 30 s                         1 s + 1 %
 */
export class Lease {
  /**
   * @param {number} sentAt when the request was sent that the service answered, by now()
   * @param {number} seconds how long the service keeps the lock from then on
   */
  constructor(sentAt, seconds) {
    if (!(Number.isFinite(seconds) && seconds > 0)) {
      throw new RangeError(`a lease of "${seconds}" seconds is no length of time`);
    }
    this.beatAt = sentAt + Math.min(seconds / 3, HEARTBEAT_SECONDS);
    this.trustedUntil = sentAt + seconds * (1 - MARGIN_SHARE) - MARGIN_SECONDS;
  }
}
