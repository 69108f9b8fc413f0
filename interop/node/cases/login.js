// Logging in. The applications are those of interop/server/coze.yaml.

import assert from 'node:assert/strict';

import * as sdk from '@coze/api';

import { method } from '../suite.js';

const REDIRECT = 'http://127.0.0.1/callback';
const SECRET = 'not-much-of-a-secret';

const web = ({ server }) => ({ baseURL: server.base, clientId: 'web.app', redirectUrl: REDIRECT });
const pkce = ({ server }) => ({ baseURL: server.base, clientId: 'pkce.app', redirectUrl: REDIRECT });
const device = ({ server }) => ({ baseURL: server.base, clientId: 'device.app' });
const jwt = ({ server }) => ({
  baseURL: server.base,
  appId: 'jwt.app',
  aud: new URL(server.base).host,
  keyid: 'test-key',
  privateKey: server.privateKey,
});

/** The user opens a page and lets the application in; what comes of it. */
async function allow({ server }, url) {
  const page = await fetch(url);
  if (page.status >= 400) {
    const body = await page.json();
    throw Object.assign(new Error(body.msg), { status: page.status, code: body.code, msg: body.msg });
  }
  const html = await page.text();
  const form = new URLSearchParams({ token: server.token, decision: 'allow' });
  for (const [, name, value] of html.matchAll(/<input[^>]* name="(\w+)" value="([^"]*)"/g)) form.set(name, value);
  const [, action] = /<form method="post" action="([^"]+)"/.exec(html);
  const cookie = page.headers.get('set-cookie')?.split(';')[0];
  return fetch(server.base + action, { method: 'POST', body: form, headers: { cookie }, redirect: 'manual' });
}

async function codeOf(context, url) {
  const answer = await allow(context, url);
  assert.equal(answer.status, 302, await answer.text());
  const back = new URL(answer.headers.get('location'));
  assert.equal(back.origin + back.pathname, REDIRECT);
  assert.equal(back.searchParams.get('state'), 's');
  return back.searchParams.get('code');
}

/** The token lets in, and says until when. */
async function works({ server }, token) {
  const coze = new sdk.CozeAPI({ token: token.access_token, baseURL: server.base });
  assert((await coze.users.me()).user_id);
  assert(token.expires_in > 1_700_000_000, 'a time, not a duration');
  return token;
}

async function webToken(context) {
  const code = await codeOf(context, sdk.getWebAuthenticationUrl({ ...web(context), state: 's' }));
  return works(context, await sdk.getWebOAuthToken({ ...web(context), clientSecret: SECRET, code }));
}

method('getWebAuthenticationUrl', ['Authorize'], async (context) => {
  assert(await codeOf(context, sdk.getWebAuthenticationUrl({ ...web(context), state: 's' })));
});

method('getPKCEAuthenticationUrl', ['Authorize'], async (context) => {
  const { url, codeVerifier } = await sdk.getPKCEAuthenticationUrl({ ...pkce(context), state: 's' });
  assert(codeVerifier);
  assert(await codeOf(context, url));
});

method('getWebOAuthToken', ['CreateToken', 'Authorize'], async (context) => {
  assert((await webToken(context)).refresh_token);
});

method('getPKCEOAuthToken', ['CreateToken', 'Authorize'], async (context) => {
  const { url, codeVerifier } = await sdk.getPKCEAuthenticationUrl({ ...pkce(context), state: 's' });
  const code = await codeOf(context, url);
  await works(context, await sdk.getPKCEOAuthToken({ ...pkce(context), code, codeVerifier }));
});

method('refreshOAuthToken', ['CreateToken', 'Authorize'], async (context) => {
  const before = await webToken(context);
  const refresh = { ...web(context), clientSecret: SECRET, refreshToken: before.refresh_token };
  const after = await works(context, await sdk.refreshOAuthToken(refresh));
  assert.notEqual(after.refresh_token, before.refresh_token);
  await assert.rejects(sdk.refreshOAuthToken(refresh), 'the old one is used up');
});

method('getDeviceCode', ['CreateDeviceCode'], async (context) => {
  const code = await sdk.getDeviceCode(device(context));
  assert(code.device_code && code.user_code && code.verification_uri);
  assert(code.expires_in > 0 && code.interval > 0);
});

method('getDeviceToken', ['CreateToken', 'CreateDeviceCode'], async (context) => {
  const code = await sdk.getDeviceCode(device(context));
  const ask = { ...device(context), deviceCode: code.device_code };
  const answer = await allow(context, `${code.verification_uri}?user_code=${code.user_code}`);
  assert.equal(answer.status, 200, await answer.text());
  await works(context, await sdk.getDeviceToken(ask));
});

method('getJWTToken', ['CreateToken'], async (context) => {
  await works(context, await sdk.getJWTToken(jwt(context)));
  await assert.rejects(sdk.getJWTToken({ ...jwt(context), keyid: 'no-key' }), 'a key that is not known');
});

method('_getJWTToken', ['CreateToken'], async (context) => {
  // What `getJWTToken` calls with a JWT of its own making; this one is none.
  const error = await sdk._getJWTToken({ baseURL: context.server.base, token: 'a.b.c' }).catch((error) => error);
  if (error.code === 404) throw error;
  assert.equal(error.status, 401);
});
