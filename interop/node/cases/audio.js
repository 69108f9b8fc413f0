import assert from 'node:assert/strict';

import { method } from '../suite.js';
import { API, NOWHERE, SCRIPTED, file, fresh, refused, wav } from './common.js';

async function voice(coze) {
  const { voice_list } = await coze.audio.voices.list({ page_num: 1, page_size: 10 });
  assert(voice_list.length > 0);
  return voice_list[0];
}

const clone = (coze, more) =>
  coze.audio.voices.clone({ voice_name: fresh('my voice'), file: wav(), audio_format: 'wav', language: 'en', ...more });

method('audio.voices.list', ['ListVoices'], async ({ coze }) => {
  const found = await voice(coze);
  assert(found.voice_id && found.name && found.language_code);
  assert.equal(typeof found.is_system_voice, 'boolean');
  const page = await coze.audio.voices.list({ filter_system_voice: true });
  assert(page.voice_list.every((it) => !it.is_system_voice));
});

method('audio.voices.clone', ['CloneVoice', 'ListVoices'], async ({ coze }) => {
  const { voice_id } = await clone(coze);
  const { voice_list } = await coze.audio.voices.list({ filter_system_voice: true, page_size: 100 });
  assert(voice_list.some((it) => it.voice_id === voice_id));
});

method('audio.speech.create', ['CreateSpeech', 'ListVoices'], async ({ coze }) => {
  const { voice_id } = await voice(coze);
  const speech = { input: 'Hello, 你好', voice_id };
  const bytes = Buffer.from(await coze.audio.speech.create({ ...speech, response_format: 'wav' }));
  assert.equal(bytes.toString('latin1', 0, 4), 'RIFF');
  assert.deepEqual(Buffer.from(await coze.audio.speech.create({ ...speech, response_format: 'wav' })), bytes);
  // Its errors have to be told by the HTTP status: the SDK does not look into the body.
  const error = await coze.audio.speech.create({ input: 'Hello', voice_id: NOWHERE, response_format: 'wav' }).catch((it) => it);
  assert(error.status >= 400, String(error));
});

method('audio.transcriptions.create', ['CreateTranscription'], async ({ coze }) => {
  const { text } = await coze.audio.transcriptions.create({ file: wav() });
  assert.equal(typeof text, 'string');
  await refused(coze.audio.transcriptions.create({ file: file('a.wav', 'not audio') }), 4303);
});

method('audio.rooms.create', ['CreateRoom'], async ({ coze }) => {
  const room = await coze.audio.rooms.create({ bot_id: SCRIPTED, connector_id: API });
  assert(room.room_id && room.token && room.uid && room.app_id);
});

method('audio.live.retrieve', ['RetrieveLive'], async ({ coze }) => {
  const live = await coze.audio.live.retrieve(NOWHERE);
  assert(live.app_id);
  assert(Array.isArray(live.stream_infos));
});

const groups = (coze) => coze.audio.voiceprintGroups;
const features = (coze) => coze.audio.voiceprintGroups.features;
const group = (coze) => groups(coze).create({ name: fresh('group'), desc: 'd' });
const feature = (coze, id, name = fresh('feature')) => features(coze).create(id, { name, file: wav(), desc: 'd' });

method('audio.voiceprintGroups.create', ['CreateVoiceprintGroup', 'ListVoiceprintGroups'], async ({ coze }) => {
  const name = fresh('group');
  const { id } = await groups(coze).create({ name, desc: 'd' });
  const { items } = await groups(coze).list({ group_id: id });
  assert.deepEqual(items.map((it) => [it.id, it.name, it.desc]), [[id, name, 'd']]);
});

method('audio.voiceprintGroups.list', ['ListVoiceprintGroups', 'CreateVoiceprintGroup'], async ({ coze }) => {
  await group(coze);
  const page = await groups(coze).list({ page_num: 1, page_size: 1 });
  assert.equal(page.items.length, 1);
  assert(page.total >= 1);
});

method('audio.voiceprintGroups.update', ['UpdateVoiceprintGroup', 'CreateVoiceprintGroup', 'ListVoiceprintGroups'], async ({ coze }) => {
  const { id } = await group(coze);
  await groups(coze).update(id, { name: 'renamed', desc: 'new' });
  const [found] = (await groups(coze).list({ group_id: id })).items;
  assert.deepEqual([found.name, found.desc], ['renamed', 'new']);
});

method('audio.voiceprintGroups.delete', ['DeleteVoiceprintGroup', 'CreateVoiceprintGroup', 'ListVoiceprintGroups'], async ({ coze }) => {
  const { id } = await group(coze);
  await groups(coze).delete(id);
  assert.deepEqual((await groups(coze).list({ group_id: id })).items, []);
});

const FEATURE = ['CreateVoiceprint', 'CreateVoiceprintGroup', 'ListVoiceprints'];
method('audio.voiceprintGroups.features.create', FEATURE, async ({ coze }) => {
  const { id } = await group(coze);
  const made = await feature(coze, id, 'Ada');
  const { items } = await features(coze).list(id, {});
  assert.deepEqual(items.map((it) => [it.id, it.group_id, it.name]), [[made.id, id, 'Ada']]);
});

method('audio.voiceprintGroups.features.list', ['ListVoiceprints', 'CreateVoiceprint', 'CreateVoiceprintGroup'], async ({ coze }) => {
  const { id } = await group(coze);
  for (const name of ['a', 'b']) await feature(coze, id, name);
  const page = await features(coze).list(id, { page_num: 1, page_size: 1 });
  assert.deepEqual([page.items.length, page.total], [1, 2]);
});

method('audio.voiceprintGroups.features.update', ['UpdateVoiceprint', ...FEATURE], async ({ coze }) => {
  const { id } = await group(coze);
  const made = await feature(coze, id);
  await features(coze).update(id, made.id, { name: 'renamed', file: wav(2) });
  assert.deepEqual((await features(coze).list(id, {})).items.map((it) => it.name), ['renamed']);
});

method('audio.voiceprintGroups.features.delete', ['DeleteVoiceprint', ...FEATURE], async ({ coze }) => {
  const { id } = await group(coze);
  const made = await feature(coze, id);
  await features(coze).delete(id, made.id);
  assert.deepEqual((await features(coze).list(id, {})).items, []);
});

method('audio.voiceprintGroups.features.speakerIdentify', ['IdentifySpeaker', ...FEATURE], async ({ coze }) => {
  const { id } = await group(coze);
  const made = await feature(coze, id, 'Ada');
  const { feature_score_list } = await features(coze).speakerIdentify(id, { file: wav(), top_k: 1 });
  assert.deepEqual(feature_score_list.map((it) => [it.feature_id, it.feature_name]), [[made.id, 'Ada']]);
});
