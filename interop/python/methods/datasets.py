import base64

from cozepy import DocumentBase, DocumentChunkStrategy, DocumentFormatType, DocumentSourceInfo, DocumentStatus

from . import method
from .common import NOWHERE, SPACE, fresh, refused, until

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
CHUNKS = DocumentChunkStrategy.build_custom(max_tokens=800, separator="\n\n")


def make(coze, kind=DocumentFormatType.DOCUMENT):
    return coze.datasets.create(name=fresh("dataset"), space_id=SPACE, format_type=kind).dataset_id


def add(documents, dataset_id, name="a.txt", text="The answer is 42."):
    base = DocumentBase(name=name, source_info=DocumentSourceInfo.build_local_file(text, "txt"))
    made = documents.create(dataset_id=dataset_id, document_bases=[base], chunk_strategy=CHUNKS)
    return list(made)[0]


def processed(coze, dataset_id, document_id):
    def probe():
        (progress,) = coze.datasets.process(dataset_id=dataset_id, document_ids=[document_id])
        return None if progress.status == DocumentStatus.PROCESSING else progress

    return until("the document is processed", probe)


def named(coze, name):
    return list(coze.datasets.list(space_id=SPACE, name=name))


@method("datasets.create", "CreateDataset ListDatasets")
def _(context):
    name = fresh("dataset")
    made = context.coze.datasets.create(
        name=name, space_id=SPACE, format_type=DocumentFormatType.DOCUMENT, description="d"
    )
    (found,) = [it for it in named(context.coze, name) if it.dataset_id == made.dataset_id]
    assert (found.name, found.description, found.format_type) == (name, "d", DocumentFormatType.DOCUMENT)


@method("datasets.list", "ListDatasets CreateDataset")
def _(context):
    made = {make(context.coze) for _ in range(3)}
    page = context.coze.datasets.list(space_id=SPACE, page_size=2)
    assert len(page.items) == 2 and page.total >= 3
    assert made <= {it.dataset_id for it in page}


@method("datasets.update", "UpdateDataset CreateDataset ListDatasets")
def _(context):
    dataset_id, name = make(context.coze), fresh("renamed")
    context.coze.datasets.update(dataset_id=dataset_id, name=name, description="new")
    assert [(it.dataset_id, it.description) for it in named(context.coze, name)] == [(dataset_id, "new")]


@method("datasets.delete", "DeleteDataset CreateDataset ListDatasets")
def _(context):
    dataset_id = make(context.coze)
    context.coze.datasets.delete(dataset_id=dataset_id)
    assert dataset_id not in [it.dataset_id for it in context.coze.datasets.list(space_id=SPACE, page_size=50)]


@method("datasets.process", "RetrieveDocumentProgress CreateDocuments CreateDataset")
def _(context):
    dataset_id = make(context.coze)
    document = add(context.coze.datasets.documents, dataset_id)
    progress = processed(context.coze, dataset_id, document.document_id)
    assert (progress.status, progress.progress) == (DocumentStatus.COMPLETED, 100)


def cases_of(client):
    """The deprecated client and the one that took its place send the same."""

    def documents(context):
        return getattr(context.coze, client).documents

    def names(context, dataset_id):
        return sorted(it.name for it in documents(context).list(dataset_id=dataset_id, page_size=10))

    @method(f"{client}.documents.create", "CreateDocuments CreateDataset")
    def create(context):
        document = add(documents(context), make(context.coze))
        assert (document.name, document.type) == ("a.txt", "txt") and document.document_id.isdigit()

    @method(f"{client}.documents.update", "UpdateDocument CreateDocuments CreateDataset ListDocuments")
    def update(context):
        dataset_id = make(context.coze)
        document = add(documents(context), dataset_id)
        documents(context).update(document_id=document.document_id, document_name="b.txt")
        assert names(context, dataset_id) == ["b.txt"]

    @method(f"{client}.documents.delete", "DeleteDocuments CreateDocuments CreateDataset ListDocuments")
    def delete(context):
        dataset_id = make(context.coze)
        document = add(documents(context), dataset_id)
        documents(context).delete(document_ids=[document.document_id])
        assert names(context, dataset_id) == []
        refused(lambda: documents(context).delete(document_ids=[NOWHERE]), 4200)

    @method(f"{client}.documents.list", "ListDocuments CreateDocuments CreateDataset")
    def listed(context):
        dataset_id = make(context.coze)
        for name in ("a.txt", "b.txt", "c.txt"):
            add(documents(context), dataset_id, name)
        page = documents(context).list(dataset_id=dataset_id, page_size=2)
        assert len(page.items) == 2 and page.total == 3
        assert sorted(it.name for it in page) == ["a.txt", "b.txt", "c.txt"]


cases_of("datasets")
cases_of("knowledge")

IMAGES = "CreateDocuments CreateDataset UploadFile RetrieveDocumentProgress"


def with_image(context):
    # The asynchronous client cannot say that a document is an image; the dataset says it.
    dataset_id = make(context.coze, DocumentFormatType.IMAGE)
    file = context.coze.files.upload(file=("dot.png", PNG))
    base = DocumentBase(name="dot.png", source_info=DocumentSourceInfo.build_file_id(file.id))
    kind = {} if context.is_async else {"format_type": DocumentFormatType.IMAGE}
    made = context.coze.datasets.documents.create(
        dataset_id=dataset_id,
        document_bases=[base],
        chunk_strategy=DocumentChunkStrategy(chunk_type=0, caption_type=1),
        **kind,
    )
    document_id = list(made)[0].document_id
    processed(context.coze, dataset_id, document_id)
    return dataset_id, document_id


@method("datasets.images.list", f"ListDatasetImages {IMAGES}")
def _(context):
    dataset_id, document_id = with_image(context)
    page = context.coze.datasets.images.list(dataset_id=dataset_id)
    assert [(it.document_id, it.name) for it in page] == [(document_id, "dot.png")]
    assert page.total == 1


@method("datasets.images.update", f"UpdateDatasetImage ListDatasetImages {IMAGES}")
def _(context):
    dataset_id, document_id = with_image(context)
    images = context.coze.datasets.images
    images.update(dataset_id=dataset_id, document_id=document_id, caption="a red dot")
    assert [it.caption for it in images.list(dataset_id=dataset_id, keyword="red")] == ["a red dot"]
