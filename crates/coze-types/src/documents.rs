//! Documents: the texts, tables and pictures that a dataset holds.
//!
//! The gateway writes the ids of these calls as strings only when it is asked to by a header, which
//! is part of the rows; and their replies stand beside `code` and `msg`, not under `data`.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::endpoint::endpoints;
use crate::knowledge::{ChunkStrategy, DocumentSource, DocumentStatus, FormatType, UpdateType};
use crate::open_enum::open_int_enum;
use crate::paging::{Page, Paged};
use crate::{Empty, Id, Timestamp, de};

/// Asks for 64-bit integers as strings: a number of that size loses digits in many a client.
const IDS_AS_TEXT: (&str, &str) = ("Agw-Js-Conv", "str");

endpoints! { "documents";
    /// Adds up to 10 documents to a dataset, and starts to split them into chunks.
    ///
    /// A text dataset takes local files in base64 and web pages, a picture dataset takes uploaded
    /// files; all documents of a call come the same way. The reply does not wait: see
    /// [`RetrieveDocumentProgress`](crate::datasets::RetrieveDocumentProgress). For datasets of Coze only,
    /// not for those of Volcano Engine.
    /// Source: <https://www.coze.cn/open/docs/developer_guides/create_knowledge_files>
    CreateDocuments = POST "/open_api/knowledge/document/create" () "createDocument" {
        query: Empty, body: Json CreateDocumentsBody, reply: CreatedDocuments,
        header: IDS_AS_TEXT
    }

    /// Lists the documents of a dataset.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/list_knowledge_files>
    ListDocuments = POST "/open_api/knowledge/document/list" () "listDocument" {
        query: Empty, body: Json ListDocumentsBody, reply: DocumentPage,
        header: IDS_AS_TEXT
    }

    /// Lists the documents of a dataset: an old form of [`ListDocuments`].
    ///
    /// A deprecated client of the JavaScript SDK sends it; the reference does not describe it.
    /// Source: <https://www.coze.cn/open/docs/developer_guides/list_knowledge_files>
    ListDocumentsByQuery = GET "/open_api/knowledge/document/list" () "listDocument" {
        query: ListDocumentsQuery, body: None Empty, reply: DocumentPage,
        header: IDS_AS_TEXT
    }

    /// Renames a document, or changes how often a web page is read again.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/modify_knowledge_files>
    UpdateDocument = POST "/open_api/knowledge/document/update" () "updateDocument" {
        query: Empty, body: Json UpdateDocumentBody, reply: UpdatedDocument,
        header: IDS_AS_TEXT
    }

    /// Removes up to 100 documents; only the owner of the dataset may.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/delete_knowdge_files>
    DeleteDocuments = POST "/open_api/knowledge/document/delete" () "deleteDocument" {
        query: Empty, body: Json DeleteDocumentsBody, reply: Empty,
        header: IDS_AS_TEXT
    }
}

impl Paged for ListDocuments {
    type Item = Document;
    /// No limit is documented; 20 is what the Go SDK asks for.
    fn prepare(&mut self) {
        self.body.size.get_or_insert(20);
    }
    fn turn(&mut self, page: Self::Reply) -> Page<Self::Item> {
        let (number, size) = (&mut self.body.page, self.body.size);
        Page::numbered(number, size, page.document_infos).total(page.total)
    }
}

impl Paged for ListDocumentsByQuery {
    type Item = Document;
    fn prepare(&mut self) {
        self.query.size.get_or_insert(20);
    }
    fn turn(&mut self, page: Self::Reply) -> Page<Self::Item> {
        let (number, size) = (&mut self.query.page, self.query.size);
        Page::numbered(number, size, page.document_infos).total(page.total)
    }
}

open_int_enum! {
    /// What a column holds; open-source server only.
    ColumnType {
        /// Not known.
        Unknown = 0,
        /// Text.
        Text = 1,
        /// Whole numbers.
        Number = 2,
        /// Dates.
        Date = 3,
        /// Numbers with a fraction.
        Float = 4,
        /// True or false.
        Boolean = 5,
        /// Pictures.
        Image = 6,
    }
}

open_int_enum! {
    /// How closely files are read; open-source server only.
    ParsingType {
        /// Quickly.
        Fast = 0,
        /// Closely.
        Accurate = 1,
    }
}

/// Body of [`CreateDocuments`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateDocumentsBody {
    /// The dataset; required.
    pub dataset_id: Id,
    /// Up to 10 documents, one for a table.
    #[serde(default, deserialize_with = "de::null_default")]
    pub document_bases: Vec<NewDocument>,
    /// How they are split; the reference wants it with each call, older servers with the first.
    #[serde(default, deserialize_with = "de::null_default")]
    pub chunk_strategy: ChunkStrategy,
    /// What the dataset holds: texts or pictures.
    #[serde(default, deserialize_with = "de::null_default")]
    pub format_type: FormatType,
    /// Rows are added to a table that is there; open-source server only.
    pub is_append: Option<bool>,
    /// How closely files are read; open-source server only.
    pub parsing_strategy: Option<ParsingStrategy>,
}

/// A document to be added.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewDocument {
    /// Its file name; required.
    pub name: String,
    /// Where it comes from; required.
    pub source_info: SourceInfo,
    /// How often a web page is read again; never by default.
    pub update_rule: Option<UpdateRule>,
    /// What a picture shows.
    pub caption: Option<String>,
    /// The columns of a table; open-source server only.
    pub table_meta: Option<Vec<TableColumn>>,
    /// Where a table stands in its file; open-source server only.
    pub table_sheet: Option<TableSheet>,
    /// What is left out; open-source server only.
    pub filter_strategy: Option<FilterStrategy>,
}

/// Where a new document comes from: exactly one of the forms that the functions make.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceInfo {
    /// A local file in standard base64.
    pub file_base64: Option<String>,
    /// The ending that says what the local file is: `pdf`, `txt`, `doc` or `docx`.
    pub file_type: Option<String>,
    /// A web page.
    pub web_url: Option<String>,
    /// Which form this is; may be missing for a local file.
    pub document_source: Option<DocumentSource>,
    /// An uploaded file.
    pub source_file_id: Option<Id>,
    /// A stored file; open-source server only.
    pub tos_uri: Option<String>,
    /// A stored picture; open-source server only.
    pub imagex_uri: Option<String>,
    /// The content itself, for tables JSON text of a list of objects; open-source server only.
    pub custom_content: Option<String>,
}

impl SourceInfo {
    /// A local file, in base64, with the ending that says what it is.
    #[must_use]
    pub fn base64(content: impl Into<String>, file_type: impl Into<String>) -> Self {
        Self {
            file_base64: Some(content.into()),
            file_type: Some(file_type.into()),
            document_source: Some(DocumentSource::LocalFile),
            ..Self::default()
        }
    }

    /// A web page.
    #[must_use]
    pub fn web_page(url: impl Into<String>) -> Self {
        Self {
            web_url: Some(url.into()),
            document_source: Some(DocumentSource::WebPage),
            ..Self::default()
        }
    }

    /// A file that was uploaded before.
    #[must_use]
    pub fn uploaded(file_id: impl Into<Id>) -> Self {
        Self {
            source_file_id: Some(file_id.into()),
            document_source: Some(DocumentSource::UploadedFile),
            ..Self::default()
        }
    }
}

/// How often a web page is read again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateRule {
    /// Whether it is.
    #[serde(default, deserialize_with = "de::null_default")]
    pub update_type: UpdateType,
    /// Hours from one reading to the next, at least 24.
    #[serde(default, deserialize_with = "de::int")]
    pub update_interval: i64,
}

/// A column of a table; open-source server only.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableColumn {
    /// The id.
    #[serde(default, deserialize_with = "de::null_default")]
    pub id: Id,
    /// The name.
    #[serde(default, deserialize_with = "de::null_default")]
    pub column_name: String,
    /// It is searched by meaning.
    #[serde(default, deserialize_with = "de::null_default")]
    pub is_semantic: bool,
    /// Its place in the file, from 0.
    #[serde(default, with = "de::int_text")]
    pub sequence: Option<i64>,
    /// What it holds.
    pub column_type: Option<ColumnType>,
    /// Some cells are empty.
    pub contains_empty_value: Option<bool>,
    /// What it means.
    pub desc: Option<String>,
}

/// Where a table stands in its file, counted from 0; open-source server only.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSheet {
    /// The sheet.
    #[serde(default, with = "de::int_text")]
    pub sheet_id: Option<i64>,
    /// The line with the names of the columns.
    #[serde(default, with = "de::int_text")]
    pub header_line_idx: Option<i64>,
    /// The first line of data.
    #[serde(default, with = "de::int_text")]
    pub start_line_idx: Option<i64>,
}

/// What is left out of a file; open-source server only.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterStrategy {
    /// Numbers of pages.
    pub filter_page: Option<Vec<i64>>,
}

/// How closely files are read; open-source server only.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParsingStrategy {
    /// Quickly or closely.
    pub parsing_type: Option<ParsingType>,
    /// Pictures are taken out of the text.
    pub image_extraction: Option<bool>,
    /// Tables are taken out of the text.
    pub table_extraction: Option<bool>,
    /// Text in pictures is read.
    pub image_ocr: Option<bool>,
}

/// Reply of [`CreateDocuments`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedDocuments {
    /// The new documents, in the order of the request.
    #[serde(default, deserialize_with = "de::null_default")]
    pub document_infos: Vec<Document>,
}

/// A document.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// The id.
    pub document_id: Id,
    /// The file name.
    #[serde(default, deserialize_with = "de::null_default")]
    pub name: String,
    /// How many characters it has.
    #[serde(default, deserialize_with = "de::int")]
    pub char_count: i64,
    /// Its size in bytes.
    #[serde(default, deserialize_with = "de::int")]
    pub size: i64,
    /// How many chunks it was split into.
    #[serde(default, deserialize_with = "de::int")]
    pub slice_count: i64,
    /// How often conversations found it.
    #[serde(default, deserialize_with = "de::int")]
    pub hit_count: i64,
    /// The ending of its file name, such as `txt`.
    #[serde(default, rename = "type", deserialize_with = "de::null_default")]
    pub kind: String,
    /// What it is.
    #[serde(default, deserialize_with = "de::null_default")]
    pub format_type: FormatType,
    /// Where it comes from.
    #[serde(default, deserialize_with = "de::null_default")]
    pub source_type: DocumentSource,
    /// How far it is.
    #[serde(default, deserialize_with = "de::null_default")]
    pub status: DocumentStatus,
    /// When it was added, in seconds.
    #[serde(default)]
    pub create_time: Timestamp,
    /// When it was last changed, in seconds.
    #[serde(default)]
    pub update_time: Timestamp,
    /// Whether its web page is read again by itself.
    #[serde(default, deserialize_with = "de::null_default")]
    pub update_type: UpdateType,
    /// Hours from one reading of its web page to the next.
    #[serde(default, deserialize_with = "de::int")]
    pub update_interval: i64,
    /// How it was split.
    pub chunk_strategy: Option<ChunkStrategy>,
    /// Where its file is stored.
    pub tos_uri: Option<String>,
    /// Who added it; open-source server only, as all that follows.
    pub creator_id: Option<Id>,
    /// The workspace.
    pub space_id: Option<Id>,
    /// Its web page.
    pub web_url: Option<String>,
    /// Why it failed.
    pub status_descript: Option<String>,
    /// The columns of a table.
    pub table_meta: Option<Vec<TableColumn>>,
    /// Where a preview is stored.
    pub preview_tos_url: Option<String>,
    /// Where its tree of headings is stored.
    pub doc_tree_tos_url: Option<String>,
    /// Where a picture is stored.
    pub imagex_uri: Option<String>,
    /// Its headings.
    pub doc_outline: Option<String>,
    /// How closely it was read.
    pub parsing_strategy: Option<ParsingStrategy>,
    /// What was left out.
    pub filter_strategy: Option<FilterStrategy>,
    /// Content can be added to it.
    pub editable_append_content: Option<bool>,
    /// Its review.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub review_id: Option<i64>,
}

/// Body of [`ListDocuments`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListDocumentsBody {
    /// The dataset; required.
    pub dataset_id: Id,
    /// From 1, the default; the open-source server counts from 0.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page: Option<i64>,
    /// 10 by default. The JavaScript SDK calls it `page_size`, which servers read past.
    #[serde(default, alias = "page_size", deserialize_with = "de::int_opt")]
    pub size: Option<i64>,
    /// Only these; open-source server only.
    pub document_ids: Option<Vec<Id>>,
    /// Named by the open-source server, which reads past it.
    pub keyword: Option<String>,
}

/// Query of [`ListDocumentsByQuery`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListDocumentsQuery {
    /// The dataset; required.
    pub dataset_id: Id,
    /// From 1.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page: Option<i64>,
    /// 10 by default.
    #[serde(default, alias = "page_size", deserialize_with = "de::int_opt")]
    pub size: Option<i64>,
}

/// Reply of [`ListDocuments`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentPage {
    /// The documents of this page.
    #[serde(default, deserialize_with = "de::null_default")]
    pub document_infos: Vec<Document>,
    /// How many there are on all pages.
    #[serde(default, deserialize_with = "de::int")]
    pub total: i64,
}

/// Body of [`UpdateDocument`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateDocumentBody {
    /// The document; required.
    pub document_id: Id,
    /// The new name.
    pub document_name: Option<String>,
    /// How often its web page is read again.
    pub update_rule: Option<UpdateRule>,
    /// The columns of a table; open-source server only.
    pub table_meta: Option<Vec<TableColumn>>,
}

/// Reply of [`UpdateDocument`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdatedDocument {
    /// The document as it is now; deprecated, and left out by most servers.
    pub document_info: Option<Document>,
}

/// Body of [`DeleteDocuments`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteDocumentsBody {
    /// From 1 to 100 documents of one dataset.
    #[serde(default, deserialize_with = "de::null_default")]
    pub document_ids: Vec<Id>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_asks_for_ids_as_text() {
        assert_eq!(ROWS.len(), 5);
        for row in ROWS {
            assert_eq!(row.header, Some(("Agw-Js-Conv", "str")), "{}", row.name);
        }
    }

    #[test]
    fn a_source_has_exactly_the_keys_of_its_form() {
        fn check(source: &SourceInfo, expected: &str) {
            assert_eq!(serde_json::to_string(source).unwrap(), expected);
        }
        check(
            &SourceInfo::base64("aGVsbG8=", "txt"),
            r#"{"file_base64":"aGVsbG8=","file_type":"txt","document_source":0}"#,
        );
        check(
            &SourceInfo::web_page("https://example.com/"),
            r#"{"web_url":"https://example.com/","document_source":1}"#,
        );
        check(
            &SourceInfo::uploaded(75_u64),
            r#"{"document_source":5,"source_file_id":"75"}"#,
        );
    }

    #[test]
    fn pages_are_turned_in_the_body_until_the_count_is_reached() {
        let mut list = ListDocuments::default();
        list.prepare();
        list.body.size = Some(2);
        let page = |count| DocumentPage {
            document_infos: vec![Document::default(); count],
            total: 3,
        };
        assert!(list.turn(page(2)).more);
        assert_eq!(list.body.page, Some(2));
        let last = list.turn(page(1));
        assert_eq!((last.more, last.total), (false, Some(3)));
    }
}
