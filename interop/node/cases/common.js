// What the cases share: the ids of interop/server/coze.yaml, and small things to make.

import assert from 'node:assert/strict';
import { createReadStream, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const SCRIPTED = '7500000000000000101';
export const GREET = '7500000000000000201';
export const REPORT = '7500000000000000202';
export const TRIP = '7500000000000000203';
export const TALK = '7500000000000000204';
/** The space that a server has from the start. */
export const SPACE = '7500000000000000003';
/** The channel of those who call the API. */
export const API = '1024';
export const NOWHERE = '7599999999999999999';
/** The codes of what is not there. */
export const NO_CONVERSATION = 4001;
export const NO_CHAT = 4002;
export const NO_MESSAGE = 4005;
export const ANSWER = 'Hello, 你好 🌍';

export const ask = (content) => [{ role: 'user', content, content_type: 'text' }];

/** Whether it is the documented answer to what is not served. */
export const isNotServed = (error) =>
  error.status === 404 && error.code === 4200 && /^this server does not answer /.test(error.msg);

/** The call is refused with one of the codes. */
export async function refused(call, ...codes) {
  const error = await call.then(
    () => assert.fail('was not refused'),
    (error) => error,
  );
  if (isNotServed(error)) throw error;
  assert(codes.includes(error.code), `code ${error.code}: ${error.message}`);
  assert(error.logid, 'a refusal tells its log id');
  return error;
}

/** Calls until it gives something. */
export async function until(what, probe, milliseconds = 10_000) {
  const deadline = Date.now() + milliseconds;
  for (;;) {
    const found = await probe();
    if (found) return found;
    assert(Date.now() < deadline, `not in time: ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

export async function all(stream) {
  const events = [];
  // The SDK lends out one object for all frames of a stream.
  for await (const event of stream) events.push({ ...event });
  return events;
}

/** A file as the SDK uploads it: a stream that has a name. */
export function file(name, content) {
  const path = join(mkdtempSync(join(tmpdir(), 'coze-file-')), name);
  writeFileSync(path, content);
  return createReadStream(path);
}

/** A WAV file of silence. */
export function wav(seconds = 1, rate = 16000) {
  const size = seconds * rate * 2;
  const bytes = Buffer.alloc(44 + size);
  bytes.write('RIFF', 0);
  bytes.writeUInt32LE(36 + size, 4);
  bytes.write('WAVEfmt ', 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(rate, 24);
  bytes.writeUInt32LE(rate * 2, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36);
  bytes.writeUInt32LE(size, 40);
  return file('silence.wav', bytes);
}

let count = 0;
/** A name that nothing else has. */
export const fresh = (what) => `${what} ${++count}`;
