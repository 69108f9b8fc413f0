//! Calls what has no method: any row of the table, or any path at all.
//!
//! Needs `COZE_API_TOKEN`; `COZE_API_BASE` for another server than api.coze.cn.

use coze_api::types::users::RetrieveMe;
use coze_api::{Coze, Method, types};

#[tokio::main]
async fn main() -> coze_api::Result<()> {
    let coze = Coze::from_env()?;
    println!("{} endpoints are known", types::endpoints().count());

    // A row: typed both ways.
    let me = coze.send(RetrieveMe::default()).await?;
    println!(
        "user {}, logid {}",
        me.data.user_id,
        me.log_id().unwrap_or("unknown")
    );

    // Any path, any JSON. The answer is as it came until it is judged.
    let raw = coze
        .send_raw(Method::GET, "/v1/users/me", &[], None)
        .await?;
    println!("HTTP {}", raw.http_status());
    let json: serde_json::Value = raw.into_result()?.json()?;
    println!("{}", json["data"]["user_id"]);
    Ok(())
}
