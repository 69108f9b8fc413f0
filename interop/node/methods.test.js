// Every method of `@coze/api` against `cozectl serve`. The list of methods comes from the package,
// so a method without a case fails the suite.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { CozeAPI } from '@coze/api';

import './cases/audio.js';
import './cases/bots.js';
import './cases/chat.js';
import './cases/conversations.js';
import './cases/datasets.js';
import './cases/login.js';
import './cases/spaces.js';
import './cases/websockets.js';
import './cases/workflows.js';
import { serve } from './server.js';
import { cases, methodsOf, notServed, run, writeResults } from './suite.js';

const outcomes = new Map();
const context = { notServed: notServed() };
let server;

before(async () => {
  server = await serve();
  context.server = server;
  context.coze = new CozeAPI({ token: server.token, baseURL: server.base, axiosOptions: { proxy: false } });
});

after(async () => {
  writeResults(outcomes);
  await server?.stop();
});

test('every method of the package has a case, and every case a method', () => {
  assert.deepEqual([...cases.keys()].sort(), methodsOf(context.coze).sort());
});

for (const it of cases.values()) {
  test(it.name, { timeout: 30_000 }, async (t) => {
    const outcome = await run(it, context);
    outcomes.set(it.name, outcome);
    if (outcome === 'not served') t.diagnostic('not served');
  });
}
