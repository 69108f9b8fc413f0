import assert from 'node:assert/strict';

import { method } from '../suite.js';
import { NOWHERE, SPACE, file, fresh, refused, until } from './common.js';

const make = (coze, format_type = 0) => coze.datasets.create({ space_id: SPACE, name: fresh('dataset'), format_type });
const source = (text) => ({ file_base64: Buffer.from(text).toString('base64'), file_type: 'txt' });
const base = (name, text) => ({ name, source_info: source(text) });
const chunks = { chunk_type: 1, separator: '\n\n', max_tokens: 800, remove_extra_spaces: false, remove_urls_emails: false };
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const add = (documents, dataset_id, name = 'a.txt', text = 'The answer is 42.') =>
  documents.create({ dataset_id, document_bases: [base(name, text)], chunk_strategy: chunks, format_type: 0 });

async function processed(coze, dataset_id, document_ids) {
  return until('the documents are processed', async () => {
    const progress = Object.values((await coze.datasets.process(dataset_id, { document_ids })).data);
    return progress.every((it) => it.status !== 0) ? progress : undefined;
  });
}

method('datasets.create', ['CreateDataset', 'ListDatasets'], async ({ coze }) => {
  const name = fresh('dataset');
  const { dataset_id } = await coze.datasets.create({ space_id: SPACE, name, format_type: 0, description: 'd' });
  const found = await coze.datasets.list({ space_id: SPACE, name });
  const dataset = found.dataset_list.find((it) => it.dataset_id === dataset_id);
  assert.deepEqual([dataset.name, dataset.description, dataset.format_type], [name, 'd', 0]);
});

method('datasets.list', ['ListDatasets', 'CreateDataset'], async ({ coze }) => {
  const made = [await make(coze), await make(coze)];
  const page = await coze.datasets.list({ space_id: SPACE, page_num: 1, page_size: 1 });
  assert.equal(page.dataset_list.length, 1);
  assert(page.total_count >= made.length);
});

method('datasets.update', ['UpdateDataset', 'CreateDataset', 'ListDatasets'], async ({ coze }) => {
  const { dataset_id } = await make(coze);
  const name = fresh('renamed');
  await coze.datasets.update(dataset_id, { name, description: 'new' });
  const [dataset] = (await coze.datasets.list({ space_id: SPACE, name })).dataset_list;
  assert.deepEqual([dataset.dataset_id, dataset.description], [dataset_id, 'new']);
});

method('datasets.delete', ['DeleteDataset', 'CreateDataset', 'ListDatasets'], async ({ coze }) => {
  const { dataset_id } = await make(coze);
  await coze.datasets.delete(dataset_id);
  const page = await coze.datasets.list({ space_id: SPACE, page_num: 1, page_size: 100 });
  assert(!page.dataset_list.some((it) => it.dataset_id === dataset_id));
});

const PROCESS = ['RetrieveDocumentProgress', 'CreateDocuments', 'CreateDataset'];
method('datasets.process', PROCESS, async ({ coze }) => {
  const { dataset_id } = await make(coze);
  const [document] = await add(coze.datasets.documents, dataset_id);
  const [progress] = await processed(coze, dataset_id, [document.document_id]);
  assert.deepEqual([progress.document_id, progress.status, progress.progress], [document.document_id, 1, 100]);
});

// The deprecated client and the one that took its place send the same.
for (const client of ['datasets', 'knowledge']) {
  const documents = (coze) => coze[client].documents;

  method(`${client}.documents.create`, ['CreateDocuments', 'CreateDataset'], async ({ coze }) => {
    const { dataset_id } = await make(coze);
    const [document] = await add(documents(coze), dataset_id);
    assert.deepEqual([document.name, document.type, document.format_type], ['a.txt', 'txt', 0]);
    assert.match(document.document_id, /^\d+$/);
  });

  method(`${client}.documents.update`, ['UpdateDocument', 'CreateDocuments', 'CreateDataset', 'ListDocuments'], async ({ coze }) => {
    const { dataset_id } = await make(coze);
    const [{ document_id }] = await add(documents(coze), dataset_id);
    await documents(coze).update({ document_id, document_name: 'b.txt' });
    const { document_infos } = await coze.datasets.documents.list({ dataset_id });
    assert.deepEqual(document_infos.map((it) => it.name), ['b.txt']);
  });

  method(`${client}.documents.delete`, ['DeleteDocuments', 'CreateDocuments', 'CreateDataset', 'ListDocuments'], async ({ coze }) => {
    const { dataset_id } = await make(coze);
    const [{ document_id }] = await add(documents(coze), dataset_id);
    await documents(coze).delete({ document_ids: [document_id] });
    assert.deepEqual((await coze.datasets.documents.list({ dataset_id })).document_infos, []);
    await refused(documents(coze).delete({ document_ids: [NOWHERE] }), 4200);
  });
}

method('datasets.documents.list', ['ListDocuments', 'CreateDocuments', 'CreateDataset'], async ({ coze }) => {
  const { dataset_id } = await make(coze);
  for (const name of ['a.txt', 'b.txt']) await add(coze.datasets.documents, dataset_id, name);
  const page = await coze.datasets.documents.list({ dataset_id, page: 1, page_size: 10 });
  assert.deepEqual(page.document_infos.map((it) => it.name).sort(), ['a.txt', 'b.txt']);
  assert.equal(page.total, 2);
});

// The only client that asks with GET.
method('knowledge.documents.list', ['ListDocumentsByQuery', 'CreateDocuments', 'CreateDataset'], async ({ coze, notServed }) => {
  // Where datasets are served and this call is not, the refusal is that of this call.
  const dataset_id = notServed.has('CreateDataset') ? NOWHERE : (await make(coze)).dataset_id;
  const page = await coze.knowledge.documents.list({ dataset_id, page: 1, page_size: 10 });
  assert.equal(page.total, 0);
});

const IMAGES = ['CreateDocuments', 'CreateDataset', 'UploadFile', 'RetrieveDocumentProgress'];
async function withImage(coze) {
  const { dataset_id } = await make(coze, 2);
  const uploaded = await coze.files.upload({ file: file('dot.png', Buffer.from(PNG, 'base64')) });
  const [{ document_id }] = await coze.datasets.documents.create({
    dataset_id,
    document_bases: [{ name: 'dot.png', source_info: { source_file_id: uploaded.id, document_source: 5 } }],
    chunk_strategy: { chunk_type: 0, caption_type: 1 },
    format_type: 2,
  });
  await processed(coze, dataset_id, [document_id]);
  return { dataset_id, document_id };
}

method('datasets.images.list', ['ListDatasetImages', ...IMAGES], async ({ coze }) => {
  const { dataset_id, document_id } = await withImage(coze);
  const page = await coze.datasets.images.list(dataset_id, { page_num: 1, page_size: 10 });
  assert.deepEqual(page.photo_infos.map((it) => [it.document_id, it.name]), [[document_id, 'dot.png']]);
  assert.equal(page.total_count, 1);
});

method('datasets.images.update', ['UpdateDatasetImage', 'ListDatasetImages', ...IMAGES], async ({ coze }) => {
  const { dataset_id, document_id } = await withImage(coze);
  await coze.datasets.images.update(dataset_id, document_id, { caption: 'a red dot' });
  const page = await coze.datasets.images.list(dataset_id, { keyword: 'red' });
  assert.deepEqual(page.photo_infos.map((it) => it.caption), ['a red dot']);
});
