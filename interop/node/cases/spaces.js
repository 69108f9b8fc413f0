import assert from 'node:assert/strict';

import { method } from '../suite.js';
import { SCRIPTED, SPACE, fresh } from './common.js';

method('users.me', ['RetrieveMe'], async ({ coze }) => {
  const me = await coze.users.me();
  assert(me.user_id && me.user_name);
});

method('workspaces.list', ['ListWorkspaces'], async ({ coze }) => {
  const page = await coze.workspaces.list({ page_num: 1, page_size: 10 });
  const mine = page.workspaces.find((it) => it.id === SPACE);
  assert.deepEqual([mine.role_type, mine.workspace_type], ['owner', 'personal']);
  assert(page.total_count >= 1);
});

const uid = fresh('user').replace(' ', '-');
const write = (coze, data) => coze.variables.update({ bot_id: SCRIPTED, connector_uid: uid, data });
const read = (coze, keywords) => coze.variables.retrieve({ bot_id: SCRIPTED, connector_uid: uid, keywords });

method('variables.update', ['UpdateVariables', 'RetrieveVariables'], async ({ coze }) => {
  await write(coze, [{ keyword: 'color', value: 'red' }]);
  await write(coze, [{ keyword: 'color', value: 'blue' }]);
  assert.deepEqual((await read(coze, ['color'])).items.map((it) => [it.keyword, it.value]), [['color', 'blue']]);
});

method('variables.retrieve', ['RetrieveVariables', 'UpdateVariables'], async ({ coze }) => {
  await write(coze, [{ keyword: 'size', value: '小' }]);
  const { items } = await read(coze, ['size']);
  assert.deepEqual([items[0].keyword, items[0].value], ['size', '小']);
  assert(items[0].update_time > 0);
});
