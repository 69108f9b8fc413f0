package interop;

import static interop.Suite.SPACE;
import static interop.Suite.until;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.coze.openapi.client.dataset.CreateDatasetReq;
import com.coze.openapi.client.dataset.DeleteDatasetReq;
import com.coze.openapi.client.dataset.ListDatasetReq;
import com.coze.openapi.client.dataset.ProcessDatasetReq;
import com.coze.openapi.client.dataset.UpdateDatasetReq;
import com.coze.openapi.client.dataset.document.CreateDocumentReq;
import com.coze.openapi.client.dataset.document.DeleteDocumentReq;
import com.coze.openapi.client.dataset.document.ListDocumentReq;
import com.coze.openapi.client.dataset.document.UpdateDocumentReq;
import com.coze.openapi.client.dataset.document.model.Document;
import com.coze.openapi.client.dataset.document.model.DocumentBase;
import com.coze.openapi.client.dataset.document.model.DocumentChunkStrategy;
import com.coze.openapi.client.dataset.document.model.DocumentFormatType;
import com.coze.openapi.client.dataset.image.ListImageReq;
import com.coze.openapi.client.dataset.image.UpdateImageReq;
import com.coze.openapi.client.dataset.image.model.Image;
import com.coze.openapi.client.dataset.model.Dataset;
import com.coze.openapi.client.dataset.model.DocumentProgress;
import com.coze.openapi.client.files.UploadFileReq;
import com.coze.openapi.service.service.CozeAPI;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

final class Datasets {
  private static final String PNG =
      "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  private static final String IMAGES = " CreateDocuments CreateDataset UploadFile RetrieveDocumentProgress";

  private Datasets() {}

  private static String make(CozeAPI coze, String name, DocumentFormatType kind) {
    CreateDatasetReq create =
        CreateDatasetReq.builder().name(name).spaceID(SPACE).formatType(kind).description("d").build();
    return coze.datasets().create(create).getDatasetID();
  }

  private static List<Dataset> named(CozeAPI coze, String name) {
    List<Dataset> all = new ArrayList<>();
    ListDatasetReq list = ListDatasetReq.builder().spaceID(SPACE).name(name).pageNum(1).pageSize(10).build();
    coze.datasets().list(list).getIterator().forEachRemaining(all::add);
    return all;
  }

  private static Document add(CozeAPI coze, String dataset, String name) {
    CreateDocumentReq create =
        CreateDocumentReq.builder()
            .datasetID(Long.valueOf(dataset))
            .documentBases(List.of(DocumentBase.buildLocalFile(name, "The answer is 42.", "txt")))
            .chunkStrategy(DocumentChunkStrategy.buildAuto())
            .formatType(DocumentFormatType.DOCUMENT)
            .build();
    return coze.datasets().documents().create(create).getDocumentInfos().get(0);
  }

  private static List<String> names(CozeAPI coze, String dataset) {
    List<String> all = new ArrayList<>();
    ListDocumentReq list = ListDocumentReq.of(Long.valueOf(dataset), 1, 1);
    coze.datasets().documents().list(list).getIterator().forEachRemaining(it -> all.add(it.getName()));
    return all.stream().sorted().toList();
  }

  private static DocumentProgress processed(CozeAPI coze, String dataset, String document) throws Exception {
    ProcessDatasetReq process =
        ProcessDatasetReq.builder().datasetID(dataset).documentIDs(List.of(document)).build();
    return until(
        "the document is processed",
        () -> {
          DocumentProgress progress = coze.datasets().process(process).getData().get(0);
          return progress.getStatus().getValue() == 0 ? null : progress;
        });
  }

  private record Picture(String dataset, String document) {}

  private static Picture withImage(Suite suite, CozeAPI coze) throws Exception {
    String dataset = make(coze, suite.fresh("dataset"), DocumentFormatType.IMAGE);
    byte[] png = Base64.getDecoder().decode(PNG);
    String file = coze.files().upload(UploadFileReq.of("dot.png", png)).getFileInfo().getID();
    // The first picture needs a caption_type, which the SDK cannot send.
    String body =
        """
        {"dataset_id": "%s", "format_type": 2, "chunk_strategy": {"chunk_type": 0, "caption_type": 1},
         "document_bases": [{"name": "dot.png", "source_info": {"source_file_id": "%s", "document_source": 5}}]}
        """
            .formatted(dataset, file);
    HttpRequest create =
        HttpRequest.newBuilder(URI.create(suite.base + "/open_api/knowledge/document/create"))
            .header("Authorization", "Bearer " + Server.TOKEN)
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
    String answer = HttpClient.newHttpClient().send(create, HttpResponse.BodyHandlers.ofString()).body();
    Matcher id = Pattern.compile("\"document_id\":\"(\\d+)\"").matcher(answer);
    assertTrue(id.find(), answer);
    String document = id.group(1);
    processed(coze, dataset, document);
    return new Picture(dataset, document);
  }

  private static List<String> captions(CozeAPI coze, String dataset) {
    List<String> all = new ArrayList<>();
    ListImageReq list = ListImageReq.builder().datasetID(dataset).pageNum(1).pageSize(10).build();
    coze.datasets().images().list(list).getIterator().forEachRemaining((Image it) -> all.add(it.getCaption()));
    return all;
  }

  static void add(Suite suite, CozeAPI coze) {
    DocumentFormatType text = DocumentFormatType.DOCUMENT;
    suite.method(
        "datasets.create",
        "CreateDataset ListDatasets",
        () -> {
          String name = suite.fresh("made");
          String id = make(coze, name, text);
          Dataset found = named(coze, name).get(0);
          assertEquals(id, found.getDatasetID());
          assertEquals("d", found.getDescription());
        });
    suite.method(
        "datasets.list",
        "ListDatasets CreateDataset",
        () -> {
          make(coze, "listed a", text);
          make(coze, "listed b", text);
          assertEquals(2, named(coze, "listed").size());
        });
    suite.method(
        "datasets.update",
        "UpdateDataset CreateDataset ListDatasets",
        () -> {
          String id = make(coze, suite.fresh("dataset"), text);
          String name = suite.fresh("renamed");
          coze.datasets().update(UpdateDatasetReq.builder().datasetID(id).name(name).build());
          assertEquals(id, named(coze, name).get(0).getDatasetID());
        });
    suite.method(
        "datasets.delete",
        "DeleteDataset CreateDataset ListDatasets",
        () -> {
          String id = make(coze, "to go", text);
          coze.datasets().delete(DeleteDatasetReq.builder().datasetID(id).build());
          assertEquals(List.of(), named(coze, "to go"));
        });
    suite.method(
        "datasets.process",
        "RetrieveDocumentProgress CreateDocuments CreateDataset",
        () -> {
          String id = make(coze, suite.fresh("dataset"), text);
          DocumentProgress progress = processed(coze, id, add(coze, id, "a.txt").getDocumentID());
          assertEquals(100, progress.getProgress());
        });
    suite.method(
        "datasets.documents.create",
        "CreateDocuments CreateDataset",
        () -> {
          Document made = add(coze, make(coze, suite.fresh("dataset"), text), "a.txt");
          assertEquals("a.txt", made.getName());
          assertTrue(made.getDocumentID().matches("\\d+"));
        });
    suite.method(
        "datasets.documents.list",
        "ListDocuments CreateDocuments CreateDataset",
        () -> {
          String id = make(coze, suite.fresh("dataset"), text);
          add(coze, id, "a.txt");
          add(coze, id, "b.txt");
          assertEquals(List.of("a.txt", "b.txt"), names(coze, id));
        });
    suite.method(
        "datasets.documents.update",
        "UpdateDocument ListDocuments CreateDocuments CreateDataset",
        () -> {
          String id = make(coze, suite.fresh("dataset"), text);
          Long document = Long.valueOf(add(coze, id, "a.txt").getDocumentID());
          coze.datasets()
              .documents()
              .update(UpdateDocumentReq.builder().documentID(document).documentName("b.txt").build());
          assertEquals(List.of("b.txt"), names(coze, id));
        });
    suite.method(
        "datasets.documents.delete",
        "DeleteDocuments ListDocuments CreateDocuments CreateDataset",
        () -> {
          String id = make(coze, suite.fresh("dataset"), text);
          Long document = Long.valueOf(add(coze, id, "a.txt").getDocumentID());
          coze.datasets()
              .documents()
              .delete(DeleteDocumentReq.builder().documentIDs(List.of(document)).build());
          assertEquals(List.of(), names(coze, id));
        });
    suite.method(
        "datasets.images.list",
        "ListDatasetImages" + IMAGES,
        () -> assertEquals(1, captions(coze, withImage(suite, coze).dataset()).size()));
    suite.method(
        "datasets.images.update",
        "UpdateDatasetImage ListDatasetImages" + IMAGES,
        () -> {
          Picture it = withImage(suite, coze);
          UpdateImageReq update =
              UpdateImageReq.builder()
                  .datasetID(it.dataset())
                  .documentID(it.document())
                  .caption("a red dot")
                  .build();
          coze.datasets().images().update(update);
          assertEquals(List.of("a red dot"), captions(coze, it.dataset()));
        });
  }
}
