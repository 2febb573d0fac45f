import assert from 'node:assert/strict';
import test from 'node:test';
import {Lease} from '../lease.js';

test('long lease is renewed every half minute and trusted until a margin before its end', () => {
  const lease = new Lease(1000, 1800);
  assert.equal(lease.beatAt, 1030);
  assert.equal(lease.trustedUntil, 1000 + 1800 - 18 - 1);
});

test('short lease is renewed every third of it', () => {
  const lease = new Lease(1000, 6);
  assert.equal(lease.beatAt, 1002);
  assert.ok(Math.abs(lease.trustedUntil - 1004.94) < 1e-6);
});

test('lease of no length is none', () => {
  for (const seconds of [0, -1, NaN, undefined, Infinity]) assert.throws(() => new Lease(1000, seconds), RangeError);
});
