import assert from 'node:assert/strict';

import { method } from '../suite.js';
import { ANSWER, NOWHERE, NO_CHAT, SCRIPTED, all, ask, file, refused, until } from './common.js';

const start = (coze, content, more) =>
  coze.chat.create({ bot_id: SCRIPTED, user_id: 'u', additional_messages: ask(content), ...more });

async function ended(coze, chat) {
  return until('the chat ends', async () => {
    const now = await coze.chat.retrieve(chat.conversation_id, chat.id);
    return ['created', 'in_progress'].includes(now.status) ? undefined : now;
  });
}

method('chat.create', ['StartChat', 'RetrieveChat'], async ({ coze }) => {
  const chat = await start(coze, 'hello', { meta_data: { k: 'v' } });
  assert.equal(chat.bot_id, SCRIPTED);
  assert.equal(chat.status, 'in_progress');
  assert.deepEqual(chat.meta_data, { k: 'v' });
  assert.equal((await ended(coze, chat)).status, 'completed');
  await refused(coze.chat.create({ bot_id: NOWHERE, additional_messages: ask('hello') }), 4200);
});

method('chat.createAndPoll', ['StartChat', 'RetrieveChat', 'ListChatMessages'], async ({ coze }) => {
  const { chat, messages } = await coze.chat.createAndPoll({ bot_id: SCRIPTED, additional_messages: ask('hello') });
  assert.equal(chat.status, 'completed');
  assert(chat.usage.token_count > 0);
  assert.deepEqual(messages.filter((it) => it.type === 'answer').map((it) => it.content), [ANSWER]);
});

method('chat.stream', ['StartChat', 'UploadFile'], async ({ coze }) => {
  const { id } = await coze.files.upload({ file: file('dot.png', '\x89PNG') });
  const content = [{ type: 'text', text: 'hello' }, { type: 'image', file_id: id }];
  const additional_messages = [{ role: 'user', content, content_type: 'object_string' }];
  const events = await all(coze.chat.stream({ bot_id: SCRIPTED, additional_messages }));
  const names = events.map((it) => it.event);
  assert.deepEqual(names.slice(0, 2), ['conversation.chat.created', 'conversation.chat.in_progress']);
  assert.deepEqual(names.slice(-2), ['conversation.chat.completed', 'done']);
  const deltas = events.filter((it) => it.event === 'conversation.message.delta').map((it) => it.data.content);
  assert.equal(deltas.join(''), ANSWER);
  const whole = events.filter((it) => it.event === 'conversation.message.completed' && it.data.type === 'answer');
  assert.deepEqual(whole.map((it) => it.data.content), [ANSWER]);
  assert.equal(events.at(-1).data, '[DONE]');
});

method('chat.retrieve', ['RetrieveChat', 'StartChat'], async ({ coze }) => {
  const chat = await start(coze, 'hello');
  const done = await ended(coze, chat);
  assert.equal(done.id, chat.id);
  assert(done.completed_at >= done.created_at);
  assert.equal(done.usage.token_count, done.usage.input_count + done.usage.output_count);
  await refused(coze.chat.retrieve(chat.conversation_id, NOWHERE), NO_CHAT);
});

method('chat.cancel', ['CancelChat', 'StartChat', 'RetrieveChat'], async ({ coze }) => {
  const chat = await start(coze, 'crawl');
  assert.equal((await coze.chat.cancel(chat.conversation_id, chat.id)).status, 'canceled');
  assert.equal((await coze.chat.retrieve(chat.conversation_id, chat.id)).status, 'canceled');
});

method('chat.messages.list', ['ListChatMessages', 'StartChat', 'RetrieveChat'], async ({ coze }) => {
  const chat = await start(coze, 'hello');
  await ended(coze, chat);
  const messages = await coze.chat.messages.list(chat.conversation_id, chat.id);
  assert(messages.every((it) => it.chat_id === chat.id && it.role === 'assistant'));
  assert.deepEqual(messages.map((it) => it.type).sort(), ['answer', 'verbose']);
});

method('chat.submitToolOutputs', ['SubmitToolOutputs', 'StartChat', 'RetrieveChat'], async ({ coze }) => {
  const paused = await ended(coze, await start(coze, 'weather'));
  assert.equal(paused.status, 'requires_action');
  const [call] = paused.required_action.submit_tool_outputs.tool_calls;
  assert.deepEqual([call.function.name, JSON.parse(call.function.arguments)], ['get_weather', { city: 'Nanjing' }]);
  const events = await all(
    coze.chat.submitToolOutputs({
      conversation_id: paused.conversation_id,
      chat_id: paused.id,
      tool_outputs: [{ tool_call_id: call.id, output: 'fog' }],
      stream: true,
    }),
  );
  const answer = events.find((it) => it.event === 'conversation.message.completed' && it.data.type === 'answer');
  assert.equal(answer.data.content, 'The tool said: fog');
});
