//! What datasets and documents have in common.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::de;
use crate::open_enum::open_int_enum;

open_int_enum! {
    /// What a dataset holds, and what a document is.
    FormatType {
        /// Texts: `pdf`, `txt`, `doc`, `docx`, web pages.
        Text = 0,
        /// Tables, such as `xls`. They cannot be made by the API of the hosted service.
        Table = 1,
        /// Pictures, such as `png` and `jpg`.
        Image = 2,
        /// A database; open-source server only.
        Database = 3,
    }
}

open_int_enum! {
    /// How far a document is.
    DocumentStatus {
        /// It is being split and indexed.
        Processing = 0,
        /// It can be found.
        Completed = 1,
        /// It is switched off; open-source server only.
        Disabled = 2,
        /// It is removed; open-source server only.
        Deleted = 3,
        /// It is being split anew; open-source server only.
        Resegmenting = 4,
        /// Its web page is being read again; open-source server only.
        Refreshing = 5,
        /// It could not be read; upload it again.
        Failed = 9,
    }
}

open_int_enum! {
    /// Where a document comes from.
    DocumentSource {
        /// A local file, sent in base64.
        LocalFile = 0,
        /// A web page.
        WebPage = 1,
        /// Content of the caller's own.
        Custom = 2,
        /// A third party.
        ThirdParty = 3,
        /// Collected by the browser.
        FrontCrawl = 4,
        /// An uploaded file, by its id.
        UploadedFile = 5,
        /// Notion.
        Notion = 101,
        /// Google Drive.
        GoogleDrive = 102,
        /// A Feishu document.
        FeishuWeb = 103,
        /// A Lark document.
        LarkWeb = 104,
    }
}

open_int_enum! {
    /// Whether a web page is read again by itself.
    UpdateType {
        /// Never.
        Never = 0,
        /// At each interval.
        Auto = 1,
    }
}

open_int_enum! {
    /// How texts are split.
    ChunkType {
        /// By the rules of the service.
        Automatic = 0,
        /// By the caller's rules.
        Custom = 1,
        /// By levels of headings; open-source server only.
        Level = 2,
    }
}

open_int_enum! {
    /// Who describes pictures.
    CaptionType {
        /// The service.
        Automatic = 0,
        /// The caller, with [`UpdateDatasetImage`](crate::datasets::UpdateDatasetImage).
        Manual = 1,
    }
}

/// How documents are split. The first upload into a dataset settles it; it cannot be changed.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkStrategy {
    /// Automatic or by the rules below.
    #[serde(default, deserialize_with = "de::null_default")]
    pub chunk_type: ChunkType,
    /// Where to split, such as `\n\n`; required when custom.
    pub separator: Option<String>,
    /// The longest chunk, from 100 to 2,000 tokens; required when custom.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub max_tokens: Option<i64>,
    /// Runs of spaces, line ends and tabs are taken out; false by default, only when custom.
    pub remove_extra_spaces: Option<bool>,
    /// URLs and mail addresses are taken out; false by default, only when custom.
    pub remove_urls_emails: Option<bool>,
    /// Who describes pictures; required at the first upload into a dataset of pictures.
    pub caption_type: Option<CaptionType>,
    /// How much neighbouring chunks share; open-source server only.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub overlap: Option<i64>,
    /// The deepest level of headings to split at; open-source server only.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub max_level: Option<i64>,
    /// Headings are kept in the chunks; open-source server only.
    pub save_title: Option<bool>,
}
