//! Users.

use coze_types::Data;
use coze_types::users::{RetrieveMe, User};

use crate::app::App;
use crate::call::Call;
use crate::fail::Fail;

pub(crate) async fn me(app: App, call: Call<RetrieveMe>) -> Result<Data<User>, Fail> {
    let id = call.user.user();
    let found = app.db.read(move |unit| Ok::<_, Fail>(unit.user(id)?));
    let user = found.await?.ok_or_else(|| Fail::not_found("user", id))?;
    Ok(Data {
        data: User {
            user_id: user.id.into(),
            user_name: user.user_name,
            nick_name: user.nick_name,
            avatar_url: user.avatar_url,
        },
    })
}
