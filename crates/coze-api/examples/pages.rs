//! Reads a list to its end, whatever its style of paging.
//!
//! Needs `COZE_API_TOKEN`, and the id of a workspace in `COZE_WORKSPACE_ID`; `COZE_API_BASE` for
//! another server than api.coze.cn.

use coze_api::types::bots::{ListBots, ListBotsQuery};
use coze_api::{Coze, Error};

#[tokio::main]
async fn main() -> coze_api::Result<()> {
    let coze = Coze::from_env()?;
    let workspace = std::env::var("COZE_WORKSPACE_ID")
        .map_err(|_| Error::Invalid("set COZE_WORKSPACE_ID to the id of a workspace".into()))?;
    let query = ListBotsQuery {
        workspace_id: workspace.into(),
        page_size: Some(2),
        ..Default::default()
    };
    let mut bots = coze.pages(ListBots {
        query,
        ..Default::default()
    });
    while let Some(bot) = bots.next().await {
        let bot = bot?;
        println!("{} {}", bot.id, bot.name);
    }
    if let Some(total) = bots.total() {
        println!("{total} in all");
    }
    Ok(())
}
