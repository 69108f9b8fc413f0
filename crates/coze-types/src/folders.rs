//! Folders: how a workspace is kept in order.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::endpoint::endpoints;
use crate::open_enum::open_enum;
use crate::paging::{Page, Paged};
use crate::{Data, Empty, Id, de};

endpoints! { "folders";
    /// Lists the folders directly inside a folder, or at the root of a workspace.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/workspace_list_folder>
    ListFolders = GET "/v1/folders" () "listFolder" {
        query: ListFoldersQuery, body: None Empty, reply: Data<FolderList>
    }

    /// Reads what a folder is.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/workspace_read_folder>
    RetrieveFolder = GET "/v1/folders/{folder_id}" (folder_id) "readFolder" {
        query: Empty, body: None Empty, reply: Data<Folder>
    }
}

impl Paged for ListFolders {
    type Item = Folder;
    fn prepare(&mut self) {
        self.query.page_size.get_or_insert(50);
    }
    fn turn(&mut self, page: Self::Reply) -> Page<Self::Item> {
        let (list, query) = (page.data, &mut self.query);
        let page = Page::numbered(&mut query.page_num, query.page_size, list.items)
            .total(list.total_count);
        match list.has_more {
            Some(more) => page.has_more(more),
            None => page,
        }
    }
}

open_enum! {
    /// What a folder holds.
    FolderType {
        /// Projects under development; the documents know only these.
        Development = "development",
        /// Resources of the library; the SDKs know these, too.
        Library = "library",
    }
}

/// Query of [`ListFolders`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListFoldersQuery {
    /// The workspace; required.
    pub workspace_id: Id,
    /// What the folders hold; required.
    pub folder_type: FolderType,
    /// The folder to look into; missing or `0` is the root.
    pub parent_folder_id: Option<Id>,
    /// From 1.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_num: Option<i64>,
    /// Up to 50; 20 by default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_size: Option<i64>,
}

/// Payload of [`ListFolders`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderList {
    /// The folders of this page.
    #[serde(default, deserialize_with = "de::null_default")]
    pub items: Vec<Folder>,
    /// How many there are on all pages, folders further down not counted.
    #[serde(default, deserialize_with = "de::int")]
    pub total_count: i64,
    /// There is a next page.
    pub has_more: Option<bool>,
}

/// A folder.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folder {
    /// The id.
    pub id: Id,
    /// The name.
    #[serde(default, deserialize_with = "de::null_default")]
    pub name: String,
    /// What it is for.
    #[serde(default, deserialize_with = "de::null_default")]
    pub description: String,
    /// The workspace.
    #[serde(default, deserialize_with = "de::null_default")]
    pub workspace_id: Id,
    /// Who made it.
    #[serde(default, deserialize_with = "de::null_default")]
    pub creator_user_id: Id,
    /// What it holds.
    #[serde(default, deserialize_with = "de::null_default")]
    pub folder_type: FolderType,
    /// The folder it lies in; missing at the root.
    pub parent_folder_id: Option<Id>,
    /// How many folders lie directly in it; lists only.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub children_count: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_go_on_by_their_number_unless_the_server_says_more() {
        fn check(total_count: i64, has_more: Option<bool>, more: bool) {
            let mut row = ListFolders::default();
            row.prepare();
            let list = FolderList {
                items: vec![Folder::default()],
                total_count,
                has_more,
            };
            let page = row.turn(Data { data: list });
            assert_eq!(page.more, more, "{total_count}, {has_more:?}");
            assert_eq!(page.total, Some(total_count.unsigned_abs()));
            assert_eq!(row.query.page_num, Some(2));
        }
        check(51, None, true);
        check(50, None, false);
        check(51, Some(false), false);
        check(0, Some(true), true);
    }
}
