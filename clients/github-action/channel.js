/** How the steps of a job talk to the process that heartbeats for them: a socket that only this user can open, and a word each way. */

import {mkdtempSync, rmSync} from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import {randomUUID} from 'node:crypto';

/** The shortest of the systems' limits on a socket's path, that of macOS, less a little. */
const LONGEST_PATH = 100;

/** A socket's path in a new directory; on Windows the name of a pipe. */
export function newAddress(directory = process.env.RUNNER_TEMP) {
  if (process.platform === 'win32') return `\\\\.\\pipe\\lockkeeper-${randomUUID()}`;
  const base = directory && path.join(directory, 'lockkeeper-XXXXXX', 'heartbeat').length <= LONGEST_PATH ? directory : os.tmpdir();
  return path.join(mkdtempSync(path.join(base, 'lockkeeper-')), 'heartbeat');
}

export function removeAddress(address) {
  if (process.platform !== 'win32') rmSync(path.dirname(address), {recursive: true, force: true});
}

/** @param {(word: string) => Promise<object>} answer what to say to a word */
export function listen(address, answer) {
  const server = net.createServer((socket) => {
    socket.on('error', () => socket.destroy()); // Who asked does not wait any more.
    socket.setEncoding('utf8');
    let said = '';
    socket.on('data', async (text) => {
      said += text;
      if (said.endsWith('\n')) socket.end(JSON.stringify(await answer(said.trim())));
    });
  });
  return new Promise((listening, failed) => {
    server.once('error', failed);
    server.listen(address, () => listening(server));
  });
}

/**
 * Says a word and waits for the answer.
 *
 * @throws {Error} when nobody is there, or does not answer in time
 */
export function ask(address, word, seconds) {
  return new Promise((answered, failed) => {
    const socket = net.connect(address, () => socket.write(`${word}\n`));
    let said = '';
    socket.setEncoding('utf8');
    socket.setTimeout(seconds * 1000, () => socket.destroy(new Error('it does not answer')));
    socket.on('data', (text) => (said += text));
    socket.on('end', () => {
      try {
        answered(JSON.parse(said));
      } catch (error) {
        failed(error);
      }
    });
    socket.on('error', failed);
    socket.on('close', () => failed(new Error('it ended without an answer')));
  });
}
