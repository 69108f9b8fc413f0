//! Users.

use coze_types::Data;
use coze_types::users::{RetrieveMe, User};

use crate::app::App;
use crate::call::Call;
use crate::fail::Fail;

pub(crate) async fn me(_: App, call: Call<RetrieveMe>) -> Result<Data<User>, Fail> {
    Ok(Data {
        data: User {
            user_id: call.user.user_id.into(),
            user_name: "local".to_owned(),
            nick_name: "Local user".to_owned(),
            avatar_url: String::new(),
        },
    })
}
