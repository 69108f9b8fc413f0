//! Files: uploaded once, named by id in messages and workflow inputs.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::endpoint::{Multipart, endpoints};
use crate::{Data, Empty, Id, Timestamp, de};

endpoints! { "files";
    /// Uploads a file of at most 512 MB; it is kept for three months.
    ///
    /// Errors: 4300 (empty), 4301 (more than one), 4302 (too large), 4303 (kind not supported).
    /// Source: <https://www.coze.cn/open/docs/developer_guides/upload_files>
    UploadFile = POST "/v1/files/upload" () "uploadFile" {
        query: Empty, body: Multipart UploadFileBody, reply: Data<File>
    }

    /// Reads what a file is; there is no call that gives its content.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/retrieve_files>
    RetrieveFile = GET "/v1/files/retrieve" () "retrieveFile" {
        query: FileQuery, body: None Empty, reply: Data<File>
    }
}

/// A file as a part of an upload.
///
/// It holds the whole content. The client can send a file from disk or from a stream in its place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilePart {
    /// The name that the file gets; its ending often decides how it is read.
    pub file_name: String,
    /// Its media type, such as `audio/wav`; found out from its first bytes by the client if `None`.
    pub media_type: Option<String>,
    /// Its bytes.
    pub content: Bytes,
}

/// Body of [`UploadFile`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadFileBody {
    /// The file; required.
    #[serde(skip)]
    pub file: FilePart,
}

impl Multipart for UploadFileBody {
    fn file(&self) -> Option<&FilePart> {
        Some(&self.file)
    }
    fn set_file(&mut self, file: FilePart) {
        self.file = file;
    }
}

/// An uploaded file.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// The id.
    pub id: Id,
    /// Its size in bytes.
    #[serde(deserialize_with = "de::int")]
    pub bytes: i64,
    /// When it was uploaded, in seconds.
    pub created_at: Timestamp,
    /// Its name.
    #[serde(default, deserialize_with = "de::null_default")]
    pub file_name: String,
    /// Open-source server only.
    pub uri: Option<String>,
    /// Open-source server only.
    pub url: Option<String>,
}

/// Query of [`RetrieveFile`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileQuery {
    /// The file; required.
    pub file_id: Id,
}
