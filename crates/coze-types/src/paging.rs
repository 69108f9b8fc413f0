//! Lists that come in pages, whatever the style: numbers, tokens or cursors.

use crate::endpoint::Endpoint;
use crate::id::Id;

/// A row whose reply is one page of a list.
pub trait Paged: Endpoint {
    /// What the list holds.
    type Item: Send + 'static;

    /// Says how large pages are where the caller did not: servers differ in what they assume.
    fn prepare(&mut self) {}

    /// Takes a page apart, and moves the row to the page behind it.
    fn turn(&mut self, page: Self::Reply) -> Page<Self::Item>;
}

/// One page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// How many there are on all pages, where the server tells.
    pub total: Option<u64>,
    /// Whether another page follows.
    pub more: bool,
    /// How many items there are up to the end of this page, when pages are numbered.
    reached: u64,
}

impl<T> Page<T> {
    /// A list that has no pages.
    #[must_use]
    pub fn whole(items: Vec<T>) -> Self {
        Self {
            total: u64::try_from(items.len()).ok(),
            items,
            more: false,
            reached: 0,
        }
    }

    /// A page by number, counted from 1. Another one follows a full page, unless
    /// [`total`](Self::total) or [`has_more`](Self::has_more) know better.
    #[must_use]
    pub fn numbered(number: &mut Option<i64>, size: Option<i64>, items: Vec<T>) -> Self {
        let present = number.unwrap_or(1).max(1);
        let size = u64::try_from(size.unwrap_or_default()).unwrap_or_default();
        *number = Some(present.saturating_add(1));
        Self {
            more: !items.is_empty() && items.len() as u64 >= size,
            items,
            total: None,
            reached: present.unsigned_abs().saturating_mul(size),
        }
    }

    /// How many items the server counts on all pages.
    #[must_use]
    pub fn total(mut self, total: i64) -> Self {
        let total = u64::try_from(total).unwrap_or_default();
        self.total = Some(total);
        // An empty page ends the list, whatever the count says: things may have been removed.
        self.more = !self.items.is_empty() && self.reached < total;
        self
    }

    /// What the server says of further pages.
    #[must_use]
    pub fn has_more(mut self, more: bool) -> Self {
        self.more = more && !self.items.is_empty();
        self
    }

    /// A page whose reply names the next one.
    #[must_use]
    pub fn by_token(
        token: &mut Option<String>,
        items: Vec<T>,
        has_more: bool,
        next: Option<String>,
    ) -> Self {
        let next = next.filter(|next| !next.is_empty());
        // The same token again would go round in circles.
        let more = has_more && next.is_some() && next != *token;
        if more {
            *token = next;
        }
        Self {
            items,
            total: None,
            more,
            reached: 0,
        }
    }

    /// A page that goes on behind an item of the one before it.
    #[must_use]
    pub fn by_cursor(cursor: &mut Option<Id>, items: Vec<T>, has_more: bool, next: &Id) -> Self {
        let more = has_more
            && !items.is_empty()
            && !next.is_unset()
            && cursor.as_ref().is_none_or(|present| present != next);
        if more {
            *cursor = Some(next.clone());
        }
        Self {
            items,
            total: None,
            more,
            reached: 0,
        }
    }
}

/// Declares rows whose pages are numbered:
///
/// ```text
/// numbered! { ListBots by page_num, 20; |page| page.data.items => SimpleBot; total page.data.total }
/// ```
/// The number is the size that is asked for where the caller names none; the last part, if any, is
/// a method of [`Page`] and what it is given.
macro_rules! numbered {
    ($row:ident by $number:ident, $size:literal; |$page:ident| $items:expr => $item:ty
     $(; $known:ident $value:expr)?) => {
        impl crate::paging::Paged for $row {
            type Item = $item;
            fn prepare(&mut self) {
                self.query.page_size.get_or_insert($size);
            }
            fn turn(&mut self, $page: Self::Reply) -> crate::paging::Page<Self::Item> {
                let (number, size) = (&mut self.query.$number, self.query.page_size);
                crate::paging::Page::numbered(number, size, $items)$(.$known($value))?
            }
        }
    };
}
pub(crate) use numbered;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbered_pages_end_as_the_server_tells_or_with_a_page_that_is_not_full() {
        let mut number = None;
        assert!(Page::numbered(&mut number, Some(2), vec![1, 2]).more);
        assert_eq!(number, Some(2));
        assert!(!Page::numbered(&mut number, Some(2), vec![3]).more);
        let page = |total| {
            let mut number = Some(2);
            Page::numbered(&mut number, Some(2), vec![3, 4]).total(total)
        };
        assert!(page(5).more);
        assert!(!page(4).more);
        assert!(!page(-1).more);
        let mut number = Some(i64::MAX);
        let page = Page::<u8>::numbered(&mut number, Some(2), Vec::new());
        assert!(!page.total(i64::MAX).has_more(true).more);
    }

    #[test]
    fn tokens_and_cursors_do_not_go_in_circles() {
        let mut token = None;
        let next = || Some("a".to_owned());
        assert!(Page::by_token(&mut token, vec![1], true, next()).more);
        assert!(!Page::by_token(&mut token, vec![1], true, next()).more);
        assert!(!Page::by_token(&mut token, vec![1], true, None).more);
        let mut cursor = None;
        assert!(Page::by_cursor(&mut cursor, vec![1], true, &"7".into()).more);
        assert!(!Page::by_cursor(&mut cursor, vec![1], true, &"7".into()).more);
        assert!(!Page::by_cursor(&mut cursor, vec![1], true, &"0".into()).more);
    }
}
