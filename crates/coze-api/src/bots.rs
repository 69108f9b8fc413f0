//! Agents and the user behind the token.

use coze_types::bots::{Bot, BotList, ListBots, ListBotsQuery, RetrieveBot};
use coze_types::users::{RetrieveMe, User};
use coze_types::{Empty, Id};

use crate::client::Coze;
use crate::error::Result;

impl Coze {
    /// Lists one page of the agents of a workspace.
    ///
    /// # Errors
    /// Those of [`send`](Self::send).
    pub async fn list_bots(&self, query: ListBotsQuery) -> Result<BotList> {
        let row = ListBots {
            query,
            body: Empty {},
        };
        Ok(self.send(row).await?.into_inner().data)
    }

    /// Reads everything about an agent.
    ///
    /// ```no_run
    /// # async fn run(coze: coze_api::Coze) -> coze_api::Result<()> {
    /// println!("{}", coze.retrieve_bot("75…").await?.name);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`send`](Self::send).
    pub async fn retrieve_bot(&self, bot: impl Into<Id>) -> Result<Bot> {
        let row = RetrieveBot {
            bot_id: bot.into(),
            ..Default::default()
        };
        Ok(self.send(row).await?.into_inner().data)
    }

    /// Reads who the token belongs to.
    ///
    /// # Errors
    /// Those of [`send`](Self::send).
    pub async fn me(&self) -> Result<User> {
        Ok(self.send(RetrieveMe::default()).await?.into_inner().data)
    }
}
