import assert from 'node:assert/strict';

import { method } from '../suite.js';
import { ANSWER, GREET, NOWHERE, REPORT, SCRIPTED, TALK, TRIP, all, ask, refused, until } from './common.js';

method('workflows.runs.create', ['RunWorkflow'], async ({ coze }) => {
  const result = await coze.workflows.runs.create({ workflow_id: GREET, parameters: { name: 'Ada' } });
  assert.deepEqual(JSON.parse(result.data), { output: 'Hello Ada!' });
  await refused(coze.workflows.runs.create({ workflow_id: NOWHERE }), 4200);
});

method('workflows.runs.stream', ['StreamRunWorkflow'], async ({ coze }) => {
  const events = await all(coze.workflows.runs.stream({ workflow_id: REPORT, parameters: { topic: 'go' } }));
  assert.deepEqual(events.map((it) => it.event), ['Message', 'Message', 'Done']);
  assert.deepEqual([events[0].data.node_title, events[0].data.content], ['Progress note', 'Working on go']);
  assert.deepEqual(JSON.parse(events[1].data.content), { output: 'Report about go' });
});

method('workflows.runs.resume', ['StreamResumeWorkflow', 'StreamRunWorkflow'], async ({ coze }) => {
  const asked = await all(coze.workflows.runs.stream({ workflow_id: TRIP, parameters: { name: 'Ada' } }));
  const interrupt = asked.find((it) => it.event === 'Interrupt').data.interrupt_data;
  const events = await all(
    coze.workflows.runs.resume({
      workflow_id: TRIP,
      event_id: interrupt.event_id,
      interrupt_type: interrupt.type,
      resume_data: 'Bergen',
    }),
  );
  assert.deepEqual(JSON.parse(events.find((it) => it.event === 'Message').data.content), { output: 'Ada goes to Bergen' });
});

method('workflows.runs.history', ['RetrieveRunHistory', 'RunWorkflow'], async ({ coze }) => {
  const { execute_id } = await coze.workflows.runs.create({
    workflow_id: REPORT,
    parameters: { topic: 'go' },
    is_async: true,
  });
  const [run] = await until('the run ends', async () => {
    const runs = await coze.workflows.runs.history(REPORT, execute_id);
    return runs[0].execute_status === 'Running' ? undefined : runs;
  });
  assert.equal(run.execute_status, 'Success');
  assert.deepEqual(JSON.parse(JSON.parse(run.output).Output), { output: 'Report about go' });
});

method('workflows.chat.stream', ['ChatWorkflow'], async ({ coze }) => {
  const events = await all(
    coze.workflows.chat.stream({ workflow_id: TALK, bot_id: SCRIPTED, additional_messages: ask('hello') }),
  );
  const answer = events.find((it) => it.event === 'conversation.message.completed' && it.data.type === 'answer');
  assert.equal(answer.data.content, ANSWER);
  assert.deepEqual(events.map((it) => it.event).slice(-2), ['conversation.chat.completed', 'done']);
});
