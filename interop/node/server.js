// Starts `cozectl serve` for the suite, and ends it. Only what was started here is ever signalled.

import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const REPO = fileURLToPath(new URL('../../', import.meta.url));

function binary() {
  const named = process.env.COZECTL;
  const places = named ? [resolve(named)] : ['release', 'debug'].map((it) => join(REPO, 'target', it, 'cozectl'));
  const found = places.find((it) => existsSync(it));
  if (!found) throw new Error(`no cozectl at ${places.join(' or ')}; build it, or set COZECTL`);
  return found;
}

/** The environment for the server: no proxies, no settings of an account. */
function environment() {
  const kept = Object.entries(process.env).filter(([name]) => !/(_proxy$)|^COZE_/i.test(name));
  return Object.fromEntries(kept);
}

/** A server on a free port: `{ base, token, privateKey, stop() }`. */
export async function serve() {
  const token = 'test-token';
  const root = mkdtempSync(join(tmpdir(), 'coze-node-'));
  const data = join(root, 'data');
  const folder = join(root, 'config');
  cpSync(join(REPO, 'interop', 'server'), folder, { recursive: true });
  // The key of the application that logs in with JWT is made for each run: none lies in the repository.
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 });
  writeFileSync(join(folder, 'jwt.pub.pem'), key.publicKey.export({ type: 'spki', format: 'pem' }));
  const privateKey = key.privateKey.export({ type: 'pkcs8', format: 'pem' });
  const config = join(folder, 'coze.yaml');
  const argv = ['serve', '--port', '0', '--data', data, '--config', config, '--token', token];
  const child = spawn(binary(), argv, { stdio: ['ignore', 'pipe', 'pipe'], env: environment() });
  let log = '';
  child.stderr.on('data', (bytes) => (log += bytes));
  const ended = new Promise((done) => child.once('exit', (code) => done(code)));
  const ready = new Promise((done) => {
    createInterface({ input: child.stdout }).once('line', (line) => done(/^listening on (\S+)$/.exec(line)?.[1]));
  });
  const base = await Promise.race([ready, ended.then(() => undefined)]);
  if (!base) {
    child.kill('SIGKILL');
    throw new Error(`the server did not start:\n${log}`);
  }
  const stop = async () => {
    child.kill('SIGTERM');
    const code = await ended;
    rmSync(root, { recursive: true, force: true });
    if (code !== 0) throw new Error(`the server ended with ${code}:\n${log}`);
  };
  return { base, token, privateKey, stop };
}
