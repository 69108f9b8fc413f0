//! Lists, page after page.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use coze_types::{Page, Paged};
use futures_util::Stream;

use crate::client::Coze;
use crate::error::Result;
use crate::task::BoxFuture;

type Turn<R> = BoxFuture<'static, Result<(R, Page<<R as Paged>::Item>)>>;

/// The items of a list, as many pages as it takes: a [`Stream`], and [`next`](Self::next) for those
/// who do not want the trait. A page is asked for when the items before it are used up.
///
/// After an error the same page can be asked for again by going on.
#[must_use = "nothing is sent until it is read"]
pub struct Pages<R: Paged> {
    coze: Coze,
    /// Asks for the next page; `None` while a page is on its way, and after the last.
    row: Option<R>,
    turning: Option<Turn<R>>,
    items: VecDeque<R::Item>,
    total: Option<u64>,
}

// It holds its futures in boxes, so it can be moved while it waits.
impl<R: Paged> Unpin for Pages<R> {}

impl<R: Paged> fmt::Debug for Pages<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages")
            .field("endpoint", &R::INFO.name)
            .field("total", &self.total)
            .finish_non_exhaustive()
    }
}

impl Coze {
    /// Reads a list to its end, whatever its style of paging. It begins at the page that the row
    /// names; pages are as large as the row says, or else as large as the server allows.
    ///
    /// ```no_run
    /// # async fn run(coze: coze_api::Coze) -> coze_api::Result<()> {
    /// use coze_api::types::bots::{ListBots, ListBotsQuery};
    ///
    /// let query = ListBotsQuery { workspace_id: "73…".into(), ..Default::default() };
    /// let mut bots = coze.pages(ListBots { query, ..Default::default() });
    /// while let Some(bot) = bots.next().await {
    ///     println!("{}", bot?.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn pages<R: Paged>(&self, mut row: R) -> Pages<R> {
        row.prepare();
        Pages {
            coze: self.clone(),
            row: Some(row),
            turning: None,
            items: VecDeque::new(),
            total: None,
        }
    }
}

impl<R: Paged> Pages<R> {
    /// The next item; `None` after the last. It can be dropped while it waits without losing
    /// anything.
    pub async fn next(&mut self) -> Option<Result<R::Item>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// The items that are left, all at once.
    ///
    /// # Errors
    /// Those of [`Coze::send`], for any of the pages.
    pub async fn collect(mut self) -> Result<Vec<R::Item>> {
        let mut all = Vec::new();
        while let Some(item) = self.next().await {
            all.push(item?);
        }
        Ok(all)
    }

    /// How many items there are in all, once a page has told; not every server does.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.total
    }
}

impl<R: Paged> Stream for Pages<R> {
    type Item = Result<R::Item>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(item) = this.items.pop_front() {
                return Poll::Ready(Some(Ok(item)));
            }
            if let Some(turning) = &mut this.turning {
                let turned = ready!(turning.as_mut().poll(cx));
                this.turning = None;
                match turned {
                    Ok((row, page)) => {
                        this.total = page.total.or(this.total);
                        this.items = page.items.into();
                        this.row = page.more.then_some(row);
                    }
                    Err(error) => return Poll::Ready(Some(Err(error))),
                }
                continue;
            }
            let Some(row) = this.row.clone() else {
                return Poll::Ready(None);
            };
            let coze = this.coze.clone();
            this.turning = Some(Box::pin(async move {
                let mut next = row.clone();
                let reply = coze.send(row).await?.into_inner();
                let page = next.turn(reply);
                Ok((next, page))
            }));
        }
    }
}
