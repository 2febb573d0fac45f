import assert from 'node:assert/strict';
import {once} from 'node:events';
import http from 'node:http';
import test from 'node:test';
import {now} from '../lease.js';
import {Service, Unreachable} from '../service.js';

/** A service that gives one answer after the other, the last one again and again. */
async function withAnswers(answers, use) {
  let asked = 0;
  const server = http.createServer((request, response) => {
    const {status, headers = {}, body = '{}'} = answers[Math.min(asked++, answers.length - 1)];
    response.writeHead(status, headers).end(body);
  });
  server.listen(0, 'localhost');
  await once(server, 'listening');
  try {
    await use(`http://localhost:${server.address().port}`, () => asked);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

test('failures are repeated until there is an answer', () =>
  withAnswers([{status: 503}, {status: 502, body: '<h1>Bad gateway</h1>'}, {status: 200, body: '{"outcome": "granted"}'}], async (url, asked) => {
    const said = [];
    const answer = await new Service(url, 'token', (line) => said.push(line)).insist(20, 'GET', '/');
    assert.equal(answer.body.outcome, 'granted');
    assert.equal(asked(), 3);
    assert.match(said[0], /does not answer \(HTTP 503\); trying again for 20 s/);
    assert.match(said[1], /answers again/);
    assert.equal(said.length, 2);
  }));

test('Retry-After is the least that a repetition waits', () =>
  withAnswers([{status: 429, headers: {'Retry-After': '2'}}, {status: 200}], async (url) => {
    const before = now();
    await new Service(url, 'token').insist(20, 'GET', '/');
    assert.ok(now() - before >= 1.9);
  }));

test('refusals are answers, and not repeated', () =>
  withAnswers([{status: 409, body: '{"code": "lock-held"}'}], async (url, asked) => {
    assert.equal((await new Service(url, 'token').insist(20, 'GET', '/')).body.code, 'lock-held');
    assert.equal(asked(), 1);
  }));

test('redirect is not followed, since the token would go along', () =>
  withAnswers([{status: 302, headers: {Location: '/elsewhere'}}], async (url, asked) => {
    assert.equal((await new Service(url, 'token').insist(20, 'GET', '/')).status, 302);
    assert.equal(asked(), 1);
  }));

test('patience has an end', () =>
  withAnswers([{status: 500}], async (url) => {
    await assert.rejects(new Service(url, 'token').insist(0.2, 'GET', '/'), Unreachable);
  }));

test('whoever is asked to leave does not go on trying', () =>
  withAnswers([{status: 500}], async (url) => {
    const leave = new AbortController();
    const service = new Service(url, 'token', () => leave.abort(new Error('SIGINT')));
    await assert.rejects(service.insist(60, 'GET', '/', {signal: leave.signal}), /SIGINT/);
  }));
