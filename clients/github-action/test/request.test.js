import assert from 'node:assert/strict';
import test, {afterEach} from 'node:test';
import {newIdempotencyKey, readRequest, readUrl} from '../request.js';

const JOB = {
  GITHUB_SHA: 'a1b2c3d',
  GITHUB_REF: 'refs/heads/main',
  GITHUB_REPOSITORY: 'shop/web',
  GITHUB_ACTOR: 'alice',
  GITHUB_RUN_ID: '41',
  GITHUB_RUN_ATTEMPT: '1',
  GITHUB_JOB: 'deploy',
  GITHUB_ACTION: '__self',
  GITHUB_WORKFLOW: 'Deploy',
  GITHUB_RUN_NUMBER: '7',
  RUNNER_NAME: 'runner',
};

function withInputs(inputs) {
  for (const [name, value] of Object.entries(inputs)) process.env[`INPUT_${name.toUpperCase()}`] = value;
}

afterEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('INPUT_')) delete process.env[name];
});

test('what is not said is left to the service, or comes from the job', () => {
  withInputs({environment: 'production', wait: '', lease: ''});
  assert.deepEqual(readRequest(false, JOB), {
    environments: ['production'],
    path: '/api/environments/production/acquire',
    body: {
      sha: 'a1b2c3d',
      ref: 'refs/heads/main',
      repository: 'shop/web',
      user: 'alice',
      run_url: 'https://github.com/shop/web/actions/runs/41',
      title: 'Deploy #7',
      hostname: 'runner',
      source: 'github-action',
    },
    onSkip: 'pass',
  });
});

test('what an ID token says is not said again, unless the workflow does', () => {
  withInputs({environment: 'production', sha: '0f0f0f0'});
  assert.deepEqual(readRequest(true, JOB).body, {sha: '0f0f0f0', title: 'Deploy #7', hostname: 'runner', source: 'github-action'});
});

test('several environments stand between commas or on lines of their own', () => {
  withInputs({environment: ' web, worker\n\ndb,'});
  const {path, body} = readRequest(false, JOB);
  assert.equal(path, '/api/acquire');
  assert.deepEqual(body.environments, ['web', 'worker', 'db']);
});

test('wait is a number, without limit, or not at all', () => {
  const asked = (wait) => {
    withInputs({environment: 'production', wait});
    const {mode, queue_timeout_seconds} = readRequest(false, JOB).body;
    return {mode, queue_timeout_seconds};
  };
  assert.deepEqual(asked('90'), {mode: undefined, queue_timeout_seconds: 90});
  assert.deepEqual(asked('0'), {mode: undefined, queue_timeout_seconds: 604_800});
  assert.deepEqual(asked('No'), {mode: 'fail_fast', queue_timeout_seconds: undefined});
  assert.deepEqual(asked('false'), {mode: 'fail_fast', queue_timeout_seconds: undefined});
  assert.throws(() => asked('soon'), /number of seconds/);
});

test('text of a workflow becomes one line that the service takes', () => {
  withInputs({environment: 'production', reason: `two\nlines ${'x'.repeat(2000)}`, title: `${'x'.repeat(499)}\u{1F680}`});
  const {reason, title} = readRequest(false, JOB).body;
  assert.match(reason, /^two lines x+$/);
  assert.equal(reason.length, 1000);
  assert.equal(title, 'x'.repeat(499));
});

test('jobs of a matrix, which are called the same, have keys of their own', () => {
  const key = newIdempotencyKey(JOB);
  assert.match(key, /^github-41-1-deploy-__self-/);
  assert.notEqual(newIdempotencyKey(JOB), key);
  assert.ok(newIdempotencyKey({...JOB, GITHUB_JOB: 'ö'.repeat(500)}).match(/^[\x20-\x7e]{1,200}$/));
});

test('service has an address', () => {
  withInputs({url: 'https://lockkeeper.example/'});
  assert.equal(readUrl({}), 'https://lockkeeper.example');
  withInputs({url: ''});
  assert.equal(readUrl({LOCKKEEPER_URL: 'http://localhost:8080'}), 'http://localhost:8080');
  assert.throws(() => readUrl({}), /where is the service/);
});
