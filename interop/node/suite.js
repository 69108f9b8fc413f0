// The cases of the suite, and what came of them.
//
// A case is a method of the SDK, the rows of our API that it needs, and a function that uses the
// method for real. Where one of the rows stands in not_served.txt, the call has to be refused with
// the error that says so; where all are served, the function has to pass.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import * as sdk from '@coze/api';

import { isNotServed } from './cases/common.js';
import { REPO } from './server.js';

export const cases = new Map();

/** What a call over a WebSocket needs: there is no row for it, and no server of ours. */
export const WEBSOCKET = 'WebSocket';

/** Adds the case of a method. */
export function method(name, rows, run) {
  assert(!cases.has(name), `${name} has a case already`);
  cases.set(name, { name, rows, run });
}

/** Rows that are not served, each with its reason. */
export function notServed() {
  const reasons = new Map([[WEBSOCKET, 'this server speaks no WebSocket']]);
  let reason = '';
  const text = readFileSync(join(REPO, 'crates/coze-server/not_served.txt'), 'utf8');
  for (const line of text.split('\n').filter((it) => !it.startsWith('#'))) {
    if (line.endsWith(':')) reason = line.slice(0, -1);
    else for (const row of line.split(/\s+/).filter(Boolean)) reasons.set(row, reason);
  }
  return reasons;
}

/** Runs a case: `passes` or `not served`; everything else is an error. */
export async function run(it, context) {
  const missing = it.rows.filter((row) => context.notServed.has(row));
  if (missing.length === 0) {
    await it.run(context);
    return 'passes';
  }
  const error = await it.run(context).then(
    () => assert.fail(`${it.name} works: take ${missing.join(', ')} off not_served.txt, or mend the case`),
    (error) => error,
  );
  if (!missing.includes(WEBSOCKET) && !isNotServed(error)) throw error;
  return 'not served';
}

/** The methods of the SDK's resources as they are in the package, and its functions for logging in. */
export function methodsOf(coze) {
  const found = [];
  const walk = (resource, path) => {
    for (const [name, value] of Object.entries(resource)) {
      if (name !== '_client' && isResource(value)) walk(value, [...path, name]);
      else if (typeof value === 'function') found.push([...path, name].join('.'));
    }
    for (let it = Object.getPrototypeOf(resource); it !== Object.prototype; it = Object.getPrototypeOf(it)) {
      const names = Object.getOwnPropertyNames(it).filter((name) => name !== 'constructor');
      found.push(...names.map((name) => [...path, name].join('.')));
    }
  };
  for (const [name, value] of Object.entries(coze)) if (isResource(value)) walk(value, [name]);
  // What is exported beside the classes: all but helpers that make no call.
  const helpers = ['adapterFetch', 'castToError', 'fetchAPI', 'handleAdditionalMessages', 'handleParameters'];
  for (const [name, value] of Object.entries(sdk)) {
    const plain = typeof value === 'function' && !/^class\b/.test(Function.prototype.toString.call(value));
    if (plain && !helpers.includes(name)) found.push(name);
  }
  return found;
}

/** Every resource keeps the client that it sends with. */
function isResource(value) {
  return typeof value === 'object' && value !== null && '_client' in value;
}

/** Writes what came of the cases for the table of docs/compatibility.md. */
export function writeResults(outcomes) {
  const { version } = JSON.parse(
    readFileSync(new URL('node_modules/@coze/api/package.json', import.meta.url), 'utf8'),
  );
  const lines = [...cases.values()].map(
    ({ name, rows }) => `${name}\t${outcomes.get(name) ?? 'fails'}\t${rows.join(' ')}\n`,
  );
  const folder = process.env.COZE_RESULTS ?? join(REPO, 'target/compatibility');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'node.txt'), `@coze/api ${version}\n${lines.join('')}`);
}
