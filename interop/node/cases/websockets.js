import assert from 'node:assert/strict';

import { CozeAPI } from '@coze/api';

import { WEBSOCKET, method } from '../suite.js';
import { SCRIPTED } from './common.js';

/** What the server says to a client that wants a WebSocket. */
async function opened({ server }, open) {
  const coze = new CozeAPI({
    token: server.token,
    baseURL: server.base,
    baseWsURL: server.base.replace('http', 'ws'),
    websocketOptions: { maxRetries: 0 },
  });
  const socket = await open(coze);
  try {
    await new Promise((done, failed) => {
      socket.onopen = done;
      socket.onerror = (event) => failed(new Error(event.data?.msg ?? event.message ?? 'refused'));
    });
  } finally {
    socket.close();
  }
  assert.equal(socket.readyState, 1);
}

method('websockets.chat.create', [WEBSOCKET], (context) =>
  opened(context, (coze) => coze.websockets.chat.create({ bot_id: SCRIPTED })),
);
method('websockets.audio.speech.create', [WEBSOCKET], (context) =>
  opened(context, (coze) => coze.websockets.audio.speech.create()),
);
method('websockets.audio.transcriptions.create', [WEBSOCKET], (context) =>
  opened(context, (coze) => coze.websockets.audio.transcriptions.create()),
);
method('websockets.audio.simultInterpretation.create', [WEBSOCKET], (context) =>
  opened(context, (coze) => coze.websockets.audio.simultInterpretation.create()),
);
