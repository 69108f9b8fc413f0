import assert from 'node:assert/strict';

import { method } from '../suite.js';
import { NOWHERE, NO_CONVERSATION, NO_MESSAGE, SCRIPTED, ask, file, refused } from './common.js';

const make = (coze, more) => coze.conversations.create({ bot_id: SCRIPTED, ...more });
const put = (coze, id, content) =>
  coze.conversations.messages.create(id, { role: 'user', content, content_type: 'text', meta_data: { k: 'v' } });

method('conversations.create', ['CreateConversation', 'ListMessages'], async ({ coze }) => {
  const made = await make(coze, { messages: ask('first'), meta_data: { k: 'v' } });
  assert.deepEqual(made.meta_data, { k: 'v' });
  assert(made.last_section_id);
  const { data } = await coze.conversations.messages.list(made.id);
  assert.deepEqual(data.map((it) => it.content), ['first']);
});

method('conversations.retrieve', ['RetrieveConversation', 'CreateConversation'], async ({ coze }) => {
  const made = await make(coze);
  const found = await coze.conversations.retrieve(made.id);
  assert.deepEqual([found.id, found.created_at], [made.id, made.created_at]);
  await refused(coze.conversations.retrieve(NOWHERE), NO_CONVERSATION);
});

method('conversations.list', ['ListConversations', 'CreateConversation'], async ({ coze }) => {
  const made = await make(coze);
  const page = await coze.conversations.list({ bot_id: SCRIPTED, page_num: 1, page_size: 1 });
  assert.deepEqual(page.conversations.map((it) => it.id), [made.id]);
  assert.equal(typeof page.has_more, 'boolean');
});

method('conversations.clear', ['ClearConversation', 'CreateConversation'], async ({ coze }) => {
  const made = await make(coze);
  const section = await coze.conversations.clear(made.id);
  assert.equal(section.conversation_id, made.id);
  assert.notEqual(section.id, made.last_section_id);
});

method('conversations.messages.create', ['CreateMessage', 'CreateConversation'], async ({ coze }) => {
  const { id } = await make(coze);
  const made = await put(coze, id, 'first 你好');
  assert.deepEqual([made.conversation_id, made.role, made.content], [id, 'user', 'first 你好']);
  assert.deepEqual(made.meta_data, { k: 'v' });
  await refused(put(coze, NOWHERE, 'x'), NO_CONVERSATION);
});

method('conversations.messages.update', ['ModifyMessage', 'CreateMessage', 'CreateConversation'], async ({ coze }) => {
  const { id } = await make(coze);
  const made = await put(coze, id, 'first');
  await coze.conversations.messages.update(id, made.id, { content: 'second', content_type: 'text' });
  const found = await coze.conversations.messages.retrieve(id, made.id);
  assert.deepEqual([found.content, found.meta_data], ['second', { k: 'v' }]);
});

method('conversations.messages.retrieve', ['RetrieveMessage', 'CreateMessage', 'CreateConversation'], async ({ coze }) => {
  const { id } = await make(coze);
  const made = await put(coze, id, 'first');
  assert.equal((await coze.conversations.messages.retrieve(id, made.id)).id, made.id);
  await refused(coze.conversations.messages.retrieve(id, NOWHERE), NO_MESSAGE);
});

method('conversations.messages.list', ['ListMessages', 'CreateMessage', 'CreateConversation'], async ({ coze }) => {
  const { id } = await make(coze);
  const ids = [];
  for (const content of ['a', 'b', 'c']) ids.push((await put(coze, id, content)).id);
  const page = await coze.conversations.messages.list(id, { order: 'asc', limit: 2 });
  assert.deepEqual(page.data.map((it) => it.id), ids.slice(0, 2));
  assert.deepEqual([page.first_id, page.last_id, page.has_more], [ids[0], ids[1], true]);
  const rest = await coze.conversations.messages.list(id, { order: 'asc', limit: 2, after_id: page.last_id });
  assert.deepEqual([rest.data.map((it) => it.id), rest.has_more], [ids.slice(2), false]);
});

method('conversations.messages.delete', ['DeleteMessage', 'CreateMessage', 'CreateConversation'], async ({ coze }) => {
  const { id } = await make(coze);
  const made = await put(coze, id, 'first');
  assert.equal((await coze.conversations.messages.delete(id, made.id)).id, made.id);
  await refused(coze.conversations.messages.retrieve(id, made.id), NO_MESSAGE);
});

method('files.upload', ['UploadFile'], async ({ coze }) => {
  const made = await coze.files.upload({ file: file('笔记.txt', 'hello') });
  assert.deepEqual([made.bytes, made.file_name], [5, '笔记.txt']);
});

method('files.retrieve', ['RetrieveFile', 'UploadFile'], async ({ coze }) => {
  const made = await coze.files.upload({ file: file('notes.txt', 'hello') });
  assert.deepEqual(await coze.files.retrieve(made.id), made);
  await refused(coze.files.retrieve(NOWHERE), 4200);
});
