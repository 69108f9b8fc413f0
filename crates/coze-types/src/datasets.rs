//! Datasets: what agents can look things up in.
//!
//! All calls but [`ListDatasets`] are for the datasets of Coze only, not for those of Volcano
//! Engine.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::endpoint::endpoints;
use crate::knowledge::{ChunkStrategy, DocumentSource, DocumentStatus, FormatType, UpdateType};
use crate::open_enum::open_int_enum;
use crate::paging::numbered;
use crate::{Data, Empty, Id, Timestamp, de};

endpoints! { "datasets";
    /// Makes an empty dataset, for texts or for pictures.
    ///
    /// Fill it with [`CreateDocuments`](crate::documents::CreateDocuments). Datasets of tables
    /// cannot be made by the API of the hosted service.
    /// Source: <https://www.coze.cn/open/docs/developer_guides/create_dataset>
    CreateDataset = POST "/v1/datasets" () "createKnowledge" {
        query: Empty, body: Json CreateDatasetBody, reply: Data<CreatedDataset>
    }

    /// Lists the datasets of a workspace, whoever owns them.
    ///
    /// Those of Volcano Engine are among them; those of low-code apps are not.
    /// Source: <https://www.coze.cn/open/docs/developer_guides/list_dataset>
    ListDatasets = GET "/v1/datasets" () "listKnowledge" {
        query: ListDatasetsQuery, body: None Empty, reply: Data<DatasetList>
    }

    /// Changes name, description and icon of a dataset; only its owner may.
    ///
    /// What is left out goes back to its default.
    /// Source: <https://www.coze.cn/open/docs/developer_guides/update_dataset>
    UpdateDataset = PUT "/v1/datasets/{dataset_id}" (dataset_id) "update" {
        query: Empty, body: Json UpdateDatasetBody, reply: Empty
    }

    /// Removes a dataset with all its documents, also from the agents that use it.
    ///
    /// Its owner and the administrators of the workspace may.
    /// Source: <https://www.coze.cn/open/docs/developer_guides/delete_dataset>
    DeleteDataset = DELETE "/v1/datasets/{dataset_id}" (dataset_id) "delete" {
        query: Empty, body: None Empty, reply: Empty
    }

    /// Reads how far the documents of a dataset are in being split and indexed.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/get_dataset_progress>
    RetrieveDocumentProgress = POST "/v1/datasets/{dataset_id}/process" (dataset_id)
        "readDocumentProgress" {
        query: Empty, body: Json DocumentProgressBody, reply: Data<DocumentProgressList>
    }

    /// Lists the pictures of a dataset.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/get_images>
    ListDatasetImages = GET "/v1/datasets/{dataset_id}/images" (dataset_id) "listPhoto" {
        query: ListDatasetImagesQuery, body: None Empty, reply: Data<DatasetImageList>
    }

    /// Sets what a picture shows.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/update_image_caption>
    UpdateDatasetImage = PUT "/v1/datasets/{dataset_id}/images/{document_id}"
        (dataset_id, document_id) "updatePhoto" {
        query: Empty, body: Json UpdateDatasetImageBody, reply: Empty
    }
}

numbered! {
    ListDatasets by page_num, 300;
    |page| page.data.dataset_list => Dataset;
    total page.data.total_count
}

numbered! {
    ListDatasetImages by page_num, 299;
    |page| page.data.photo_infos => DatasetImage;
    total page.data.total_count
}

open_int_enum! {
    /// Whether a dataset can be used.
    DatasetStatus {
        /// It is being made; open-source server only.
        Processing = 0,
        /// It can.
        Enabled = 1,
        /// It is removed; open-source server only.
        Deleted = 2,
        /// It is switched off.
        Disabled = 3,
        /// It could not be made; open-source server only.
        Failed = 9,
    }
}

/// Body of [`CreateDataset`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateDatasetBody {
    /// Up to 100 characters; required.
    pub name: String,
    /// The workspace; required.
    pub space_id: Id,
    /// Texts or pictures; the open-source server takes tables, too.
    #[serde(default, deserialize_with = "de::null_default")]
    pub format_type: FormatType,
    /// What it is for.
    pub description: Option<String>,
    /// The icon: an uploaded picture.
    pub file_id: Option<Id>,
    /// The project; open-source server only.
    pub project_id: Option<Id>,
}

/// Payload of [`CreateDataset`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedDataset {
    /// The new dataset.
    pub dataset_id: Id,
}

/// Query of [`ListDatasets`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListDatasetsQuery {
    /// The workspace; required.
    pub space_id: Id,
    /// Only those whose name is like this.
    pub name: Option<String>,
    /// Only those that hold this.
    pub format_type: Option<FormatType>,
    /// From 1.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_num: Option<i64>,
    /// 1 to 300; 10 by default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_size: Option<i64>,
    /// The project; open-source server only.
    pub project_id: Option<Id>,
}

/// Payload of [`ListDatasets`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetList {
    /// The datasets of this page.
    #[serde(default, deserialize_with = "de::null_default")]
    pub dataset_list: Vec<Dataset>,
    /// How many there are on all pages.
    #[serde(default, deserialize_with = "de::int")]
    pub total_count: i64,
}

/// A dataset.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dataset {
    /// The id.
    pub dataset_id: Id,
    /// The name.
    #[serde(default, deserialize_with = "de::null_default")]
    pub name: String,
    /// What it is for.
    #[serde(default, deserialize_with = "de::null_default")]
    pub description: String,
    /// The workspace.
    #[serde(default, deserialize_with = "de::null_default")]
    pub space_id: Id,
    /// Whether it can be used.
    #[serde(default, deserialize_with = "de::null_default")]
    pub status: DatasetStatus,
    /// What it holds.
    #[serde(default, deserialize_with = "de::null_default")]
    pub format_type: FormatType,
    /// The owner of the token owns it.
    #[serde(default, deserialize_with = "de::null_default")]
    pub can_edit: bool,
    /// Where the icon is stored.
    pub icon_uri: Option<String>,
    /// The icon.
    pub icon_url: Option<String>,
    /// How many documents it has.
    #[serde(default, deserialize_with = "de::int")]
    pub doc_count: i64,
    /// How often conversations found something in it.
    #[serde(default, deserialize_with = "de::int")]
    pub hit_count: i64,
    /// How many agents use it; always 0 at the open-source server.
    #[serde(default, deserialize_with = "de::int")]
    pub bot_used_count: i64,
    /// How many chunks its documents were split into.
    #[serde(default, deserialize_with = "de::int")]
    pub slice_count: i64,
    /// The size of all its files; text on the wire.
    #[serde(default, with = "de::int_text")]
    pub all_file_size: Option<i64>,
    /// Its files.
    #[serde(default, deserialize_with = "de::null_default")]
    pub file_list: Vec<String>,
    /// The files that could not be read.
    #[serde(default, deserialize_with = "de::null_default")]
    pub failed_file_list: Vec<String>,
    /// The names of the files that are being read.
    #[serde(default, deserialize_with = "de::null_default")]
    pub processing_file_list: Vec<String>,
    /// The ids of the files that are being read.
    #[serde(default, deserialize_with = "de::null_default")]
    pub processing_file_id_list: Vec<Id>,
    /// How its documents are split.
    pub chunk_strategy: Option<ChunkStrategy>,
    /// The picture of who made it.
    pub avatar_url: Option<String>,
    /// Who made it.
    pub creator_id: Option<Id>,
    /// The name of who made it.
    pub creator_name: Option<String>,
    /// When it was made, in seconds.
    #[serde(default)]
    pub create_time: Timestamp,
    /// When it was last changed, in seconds.
    #[serde(default)]
    pub update_time: Timestamp,
    /// The project, `0` when there is none; open-source server only.
    pub project_id: Option<Id>,
}

/// Body of [`UpdateDataset`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateDatasetBody {
    /// Up to 100 characters; required.
    pub name: String,
    /// What it is for; none when left out.
    pub description: Option<String>,
    /// The icon, an uploaded picture; the default one when left out.
    pub file_id: Option<Id>,
}

/// Body of [`RetrieveDocumentProgress`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentProgressBody {
    /// Documents of this dataset; required.
    #[serde(default, deserialize_with = "de::null_default")]
    pub document_ids: Vec<Id>,
}

/// Payload of [`RetrieveDocumentProgress`]; a `data` inside `data` on the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentProgressList {
    /// One entry for each document.
    #[serde(default, deserialize_with = "de::null_default")]
    pub data: Vec<DocumentProgress>,
}

/// How far a document is.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentProgress {
    /// The document.
    #[serde(default, deserialize_with = "de::null_default")]
    pub document_id: Id,
    /// Its file name.
    #[serde(default, deserialize_with = "de::null_default")]
    pub document_name: String,
    /// Whether it is done.
    #[serde(default, deserialize_with = "de::null_default")]
    pub status: DocumentStatus,
    /// Per cent.
    #[serde(default, deserialize_with = "de::int")]
    pub progress: i64,
    /// Whether its web page is read again by itself.
    #[serde(default, deserialize_with = "de::null_default")]
    pub update_type: UpdateType,
    /// Hours from one reading of its web page to the next.
    #[serde(default, deserialize_with = "de::int")]
    pub update_interval: i64,
    /// How long it is expected to take, in seconds.
    #[serde(default, deserialize_with = "de::int")]
    pub remaining_time: i64,
    /// Its size in bytes.
    #[serde(default, deserialize_with = "de::int")]
    pub size: i64,
    /// The ending of its file name, such as `txt`.
    #[serde(default, rename = "type", deserialize_with = "de::null_default")]
    pub kind: String,
    /// Where it can be read.
    pub url: Option<String>,
    /// Why it failed; only then, but for the open-source server.
    pub status_descript: Option<String>,
}

/// Query of [`ListDatasetImages`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListDatasetImagesQuery {
    /// Only those with this in their caption.
    pub keyword: Option<String>,
    /// Only those with a caption, or only those without.
    pub has_caption: Option<bool>,
    /// From 1.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_num: Option<i64>,
    /// 1 to 299; 10 by default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_size: Option<i64>,
}

/// Payload of [`ListDatasetImages`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetImageList {
    /// The pictures of this page.
    #[serde(default, deserialize_with = "de::null_default")]
    pub photo_infos: Vec<DatasetImage>,
    /// How many there are on all pages.
    #[serde(default, deserialize_with = "de::int")]
    pub total_count: i64,
}

/// A picture of a dataset.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetImage {
    /// The id: a picture is a document.
    pub document_id: Id,
    /// How far it is.
    #[serde(default, deserialize_with = "de::null_default")]
    pub status: DocumentStatus,
    /// Where it comes from.
    #[serde(default, deserialize_with = "de::null_default")]
    pub source_type: DocumentSource,
    /// Where it can be seen.
    pub url: Option<String>,
    /// The file name.
    pub name: Option<String>,
    /// The ending of the file name, such as `png`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// What it shows.
    pub caption: Option<String>,
    /// Who added it.
    pub creator_id: Option<Id>,
    /// Its size in bytes.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub size: Option<i64>,
    /// When it was added, in seconds.
    pub create_time: Option<Timestamp>,
    /// When it was last changed, in seconds.
    pub update_time: Option<Timestamp>,
    /// How many characters it has; declared by the Go SDK alone, as all that follows.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub char_count: Option<i64>,
    /// How it was split.
    pub chunk_strategy: Option<ChunkStrategy>,
    /// What it is.
    pub format_type: Option<FormatType>,
    /// How often conversations found it.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub hit_count: Option<i64>,
    /// How many chunks it was split into.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub slice_count: Option<i64>,
}

/// Body of [`UpdateDatasetImage`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateDatasetImageBody {
    /// What the picture shows.
    pub caption: String,
}
