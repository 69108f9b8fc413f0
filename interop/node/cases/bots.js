import assert from 'node:assert/strict';

import { method } from '../suite.js';
import { ANSWER, API, NOWHERE, SCRIPTED, SPACE, ask, fresh, refused } from './common.js';

const make = (coze, more) => coze.bots.create({ space_id: SPACE, name: fresh('agent'), ...more });

method('bots.create', ['CreateBot', 'RetrieveBot'], async ({ coze }) => {
  const name = fresh('agent');
  const { bot_id } = await coze.bots.create({
    space_id: SPACE,
    name,
    description: 'made by a test',
    prompt_info: { prompt: 'You are brief.' },
    onboarding_info: { prologue: 'Hi', suggested_questions: ['Why?'] },
  });
  const bot = await coze.bots.retrieveNew(bot_id, { is_published: false });
  assert.deepEqual([bot.bot_id, bot.name, bot.description], [bot_id, name, 'made by a test']);
  assert.equal(bot.prompt_info.prompt, 'You are brief.');
  assert.equal(bot.onboarding_info.prologue, 'Hi');
  assert.deepEqual(bot.onboarding_info.suggested_questions, ['Why?']);
  await refused(coze.bots.create({ space_id: SPACE, name: '' }), 4000);
});

method('bots.update', ['UpdateBot', 'CreateBot', 'RetrieveBot'], async ({ coze }) => {
  const { bot_id } = await make(coze, { description: 'kept' });
  await coze.bots.update({ bot_id, name: 'Renamed', prompt_info: { prompt: 'New.' } });
  const bot = await coze.bots.retrieveNew(bot_id, { is_published: false });
  assert.deepEqual([bot.name, bot.description, bot.prompt_info.prompt], ['Renamed', 'kept', 'New.']);
});

method('bots.publish', ['PublishBot', 'CreateBot', 'StartChat'], async ({ coze }) => {
  const { bot_id } = await make(coze);
  await refused(coze.chat.create({ bot_id, additional_messages: ask('hello') }), 4015);
  await coze.bots.publish({ bot_id, connector_ids: [API] });
  const { chat, messages } = await coze.chat.createAndPoll({ bot_id, additional_messages: ask('hello') });
  assert.equal(chat.status, 'completed');
  assert(messages.some((it) => it.type === 'answer' && it.content));
});

method('bots.list', ['ListPublishedBots'], async ({ coze }) => {
  const page = await coze.bots.list({ space_id: SPACE, page_size: 20, page_index: 1 });
  const bot = page.space_bots.find((it) => it.bot_id === SCRIPTED);
  assert.deepEqual([bot.bot_name, bot.description], ['Scripted', 'answers from a script']);
  assert(page.total >= page.space_bots.length);
});

method('bots.listNew', ['ListBots'], async ({ coze }) => {
  const page = await coze.bots.listNew({ workspace_id: SPACE, page_size: 20, page_num: 1 });
  const bot = page.items.find((it) => it.id === SCRIPTED);
  assert.deepEqual([bot.name, bot.is_published], ['Scripted', true]);
  assert(page.total >= page.items.length);
});

method('bots.retrieve', ['RetrieveOnlineBot'], async ({ coze }) => {
  const bot = await coze.bots.retrieve({ bot_id: SCRIPTED });
  assert.deepEqual([bot.bot_id, bot.name, bot.onboarding_info.prologue], [SCRIPTED, 'Scripted', 'Welcome']);
  await refused(coze.bots.retrieve({ bot_id: NOWHERE }), 4200);
});

method('bots.retrieveNew', ['RetrieveBot'], async ({ coze }) => {
  const bot = await coze.bots.retrieveNew(SCRIPTED);
  assert.deepEqual([bot.bot_id, bot.name, bot.bot_mode], [SCRIPTED, 'Scripted', 0]);
  await refused(coze.bots.retrieveNew(NOWHERE), 4200);
});

method('templates.duplicate', ['DuplicateTemplate'], async ({ coze }) => {
  // The built-in agent is one.
  const made = await coze.templates.duplicate('7500000000000000001', { workspace_id: SPACE, name: fresh('copy') });
  assert.equal(made.entity_type, 'agent');
  assert(made.entity_id);
});
