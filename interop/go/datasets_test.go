package interop

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"sort"
	"strconv"
	"strings"

	"github.com/coze-dev/coze-go"
)

const (
	png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
	// What a picture needs before it is there.
	images = " CreateDocuments CreateDataset UploadFile RetrieveDocumentProgress"
)

func number(id string) int64 {
	return must(strconv.ParseInt(id, 10, 64))
}

func (t *T) dataset(name string, kind coze.DocumentFormatType) string {
	return must(t.coze.Datasets.Create(t.ctx, &coze.CreateDatasetsReq{
		Name: name, SpaceID: space, FormatType: kind, Description: "d",
	})).DatasetID
}

// named gives the datasets of that name; the SDK itself does not ask for one, see the reference (extended 1.3).
func (t *T) named(name string) []*coze.Dataset {
	var found []*coze.Dataset
	for _, it := range items[coze.Dataset](t.coze.Datasets.List(t.ctx, coze.NewListDatasetsReq(space))) {
		if it.Name == name {
			found = append(found, it)
		}
	}
	return found
}

func (t *T) document(dataset, name string) string {
	content, kind := base64.StdEncoding.EncodeToString([]byte("The answer is 42.")), "txt"
	made := must(t.coze.Datasets.Documents.Create(t.ctx, &coze.CreateDatasetsDocumentsReq{
		DatasetID: number(dataset),
		DocumentBases: []*coze.DocumentBase{
			{Name: name, SourceInfo: &coze.DocumentSourceInfo{FileBase64: &content, FileType: &kind}},
		},
		ChunkStrategy: &coze.DocumentChunkStrategy{ChunkType: 0},
	}))
	return made.DocumentInfos[0].DocumentID
}

func (t *T) names(dataset string) []string {
	found := []string{}
	for _, it := range items[coze.Document](t.coze.Datasets.Documents.List(t.ctx, &coze.ListDatasetsDocumentsReq{
		DatasetID: number(dataset), Page: 1, Size: 1,
	})) {
		found = append(found, it.Name)
	}
	sort.Strings(found)
	return found
}

func (t *T) processed(dataset, document string) *coze.DocumentProgress {
	return until("the document is processed", func() (*coze.DocumentProgress, bool) {
		answer := must(t.coze.Datasets.Process(t.ctx, &coze.ProcessDocumentsReq{
			DatasetID: dataset, DocumentIDs: []string{document},
		}))
		return answer.Data[0], answer.Data[0].Status != coze.DocumentStatusProcessing
	})
}

// image gives a dataset and the picture in it.
func (t *T) image() (string, string) {
	dataset := t.dataset(fresh("dataset"), coze.DocumentFormatTypeImage)
	file := number(t.upload("dot.png", string(must(base64.StdEncoding.DecodeString(png)))))
	// The first picture needs a caption_type, which the SDK cannot send.
	body := fmt.Sprintf(`{"dataset_id":%q,"format_type":2,"chunk_strategy":{"chunk_type":0,"caption_type":1},
		"document_bases":[{"name":"dot.png","source_info":{"source_file_id":"%d","document_source":5}}]}`, dataset, file)
	request := must(http.NewRequest("POST", t.base+"/open_api/knowledge/document/create", strings.NewReader(body)))
	request.Header.Set("Authorization", "Bearer "+token)
	answer := must(http.DefaultClient.Do(request))
	defer answer.Body.Close()
	var made struct {
		DocumentInfos []struct {
			DocumentID string `json:"document_id"`
		} `json:"document_infos"`
	}
	t.must(json.NewDecoder(answer.Body).Decode(&made))
	document := made.DocumentInfos[0].DocumentID
	t.processed(dataset, document)
	return dataset, document
}

func (t *T) captions(dataset string) []string {
	found := []string{}
	for _, it := range items[coze.Image](t.coze.Datasets.Images.List(t.ctx, &coze.ListDatasetsImagesReq{
		DatasetID: dataset, PageNum: 1, PageSize: 10,
	})) {
		found = append(found, it.Caption)
	}
	return found
}

var datasets = []method{
	{"Datasets.Create", "CreateDataset ListDatasets", func(t *T) {
		name := fresh("made")
		id := t.dataset(name, coze.DocumentFormatTypeDocument)
		found := t.named(name)
		t.equal(found[0].ID, id)
		t.equal(found[0].Description, "d")
	}},
	{"Datasets.List", "ListDatasets CreateDataset", func(t *T) {
		t.dataset("listed", coze.DocumentFormatTypeDocument)
		t.dataset("listed", coze.DocumentFormatTypeDocument)
		t.equal(len(t.named("listed")), 2)
	}},
	{"Datasets.Update", "UpdateDataset CreateDataset ListDatasets", func(t *T) {
		id, name := t.dataset(fresh("dataset"), coze.DocumentFormatTypeDocument), fresh("renamed")
		must(t.coze.Datasets.Update(t.ctx, &coze.UpdateDatasetsReq{DatasetID: id, Name: name}))
		t.equal(t.named(name)[0].ID, id)
	}},
	{"Datasets.Delete", "DeleteDataset CreateDataset ListDatasets", func(t *T) {
		id := t.dataset("to go", coze.DocumentFormatTypeDocument)
		must(t.coze.Datasets.Delete(t.ctx, &coze.DeleteDatasetsReq{DatasetID: id}))
		t.equal(len(t.named("to go")), 0)
	}},
	{"Datasets.Process", "RetrieveDocumentProgress CreateDocuments CreateDataset", func(t *T) {
		id := t.dataset(fresh("dataset"), coze.DocumentFormatTypeDocument)
		t.equal(t.processed(id, t.document(id, "a.txt")).Progress, 100)
	}},
	{"Datasets.Documents.Create", "CreateDocuments CreateDataset", func(t *T) {
		id := t.document(t.dataset(fresh("dataset"), coze.DocumentFormatTypeDocument), "a.txt")
		t.yes(number(id) > 0, "there is no id")
	}},
	{"Datasets.Documents.List", "ListDocuments CreateDocuments CreateDataset", func(t *T) {
		id := t.dataset(fresh("dataset"), coze.DocumentFormatTypeDocument)
		t.document(id, "a.txt")
		t.document(id, "b.txt")
		t.equal(t.names(id), []string{"a.txt", "b.txt"})
	}},
	{"Datasets.Documents.Update", "UpdateDocument ListDocuments CreateDocuments CreateDataset", func(t *T) {
		id := t.dataset(fresh("dataset"), coze.DocumentFormatTypeDocument)
		document := number(t.document(id, "a.txt"))
		must(t.coze.Datasets.Documents.Update(t.ctx, &coze.UpdateDatasetsDocumentsReq{
			DocumentID: document, DocumentName: "b.txt",
		}))
		t.equal(t.names(id), []string{"b.txt"})
	}},
	{"Datasets.Documents.Delete", "DeleteDocuments ListDocuments CreateDocuments CreateDataset", func(t *T) {
		id := t.dataset(fresh("dataset"), coze.DocumentFormatTypeDocument)
		document := number(t.document(id, "a.txt"))
		must(t.coze.Datasets.Documents.Delete(t.ctx, &coze.DeleteDatasetsDocumentsReq{DocumentIDs: []int64{document}}))
		t.equal(t.names(id), []string{})
	}},
	{"Datasets.Images.List", "ListDatasetImages" + images, func(t *T) {
		dataset, _ := t.image()
		t.equal(len(t.captions(dataset)), 1)
	}},
	{"Datasets.Images.Update", "UpdateDatasetImage ListDatasetImages" + images, func(t *T) {
		dataset, document := t.image()
		caption := "a red dot"
		must(t.coze.Datasets.Images.Update(t.ctx, &coze.UpdateDatasetImageReq{
			DatasetID: dataset, DocumentID: document, Caption: &caption,
		}))
		t.equal(t.captions(dataset), []string{caption})
	}},
}
