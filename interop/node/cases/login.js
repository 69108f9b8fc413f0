// Logging in. The apps are those of interop/server/coze.yaml.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';

import * as sdk from '@coze/api';

import { method } from '../suite.js';

const REDIRECT = 'http://127.0.0.1/callback';
const key = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PRIVATE = key.privateKey.export({ type: 'pkcs8', format: 'pem' });

/** What a browser gets for an address. */
async function page(url) {
  const response = await fetch(url, { redirect: 'manual' });
  if (response.status < 400) return response;
  const body = await response.json();
  throw Object.assign(new Error(body.msg), { status: response.status, code: body.code, msg: body.msg });
}

const web = ({ server }) => ({ baseURL: server.base, clientId: '7500000000000000601', redirectUrl: REDIRECT });
const pkce = ({ server }) => ({ baseURL: server.base, clientId: '7500000000000000602', redirectUrl: REDIRECT });
const device = ({ server }) => ({ baseURL: server.base, clientId: '7500000000000000603' });
const jwt = ({ server }) => ({
  baseURL: server.base,
  appId: '7500000000000000604',
  aud: new URL(server.base).host,
  keyid: 'test-key',
  privateKey: PRIVATE,
});

method('getWebAuthenticationUrl', ['Authorize'], async (context) => {
  assert((await page(sdk.getWebAuthenticationUrl({ ...web(context), state: 's' }))).ok);
});

method('getPKCEAuthenticationUrl', ['Authorize'], async (context) => {
  const { url, codeVerifier } = await sdk.getPKCEAuthenticationUrl({ ...pkce(context), state: 's' });
  assert(codeVerifier);
  assert((await page(url)).ok);
});

method('getWebOAuthToken', ['CreateToken', 'Authorize'], async (context) => {
  await sdk.getWebOAuthToken({ ...web(context), clientSecret: 'secret', code: 'none' });
});

method('getPKCEOAuthToken', ['CreateToken', 'Authorize'], async (context) => {
  await sdk.getPKCEOAuthToken({ ...pkce(context), code: 'none', codeVerifier: 'v'.repeat(43) });
});

method('refreshOAuthToken', ['CreateToken', 'Authorize'], async (context) => {
  await sdk.refreshOAuthToken({ ...web(context), clientSecret: 'secret', refreshToken: 'none' });
});

method('getDeviceCode', ['CreateDeviceCode'], async (context) => {
  const code = await sdk.getDeviceCode(device(context));
  assert(code.device_code && code.user_code && code.verification_uri);
});

method('getDeviceToken', ['CreateToken', 'CreateDeviceCode'], async (context) => {
  const { device_code } = await sdk.getDeviceCode(device(context));
  await sdk.getDeviceToken({ ...device(context), deviceCode: device_code });
});

method('getJWTToken', ['CreateToken'], async (context) => {
  const token = await sdk.getJWTToken(jwt(context));
  assert(token.access_token);
});

method('_getJWTToken', ['CreateToken'], async (context) => {
  const token = await sdk._getJWTToken({ baseURL: context.server.base, token: 'a.b.c' });
  assert(token.access_token);
});
