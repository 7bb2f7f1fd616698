//! The bounded memory of the cache: answers by key, found again by tag, the longest unused leaving first.
//!
//! "Unused" is judged by a second chance: an answer that was used since it was last looked at goes to the back of the
//! row once. That is nearly as good as an exact order, and a use costs one flag.

use super::{Ready, Tag};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

/// What an answer takes beside its body and key: headers and entries. A round number above what was counted.
const OVERHEAD_BYTES: usize = 512;

pub(super) struct Shelf {
    bytes_max: usize,
    bytes: usize,
    answers: HashMap<Arc<str>, Kept>,
    by_tag: HashMap<Tag, HashSet<Arc<str>>>,
    /// Keys in the order in which they are looked at. Each kept answer stands here once, by its ticket.
    row: VecDeque<(u64, Arc<str>)>,
    tickets: u64,
}

struct Kept {
    ready: Ready,
    tags: Vec<Tag>,
    bytes: usize,
    used: bool,
    ticket: u64,
}

impl Shelf {
    pub(super) fn new(bytes_max: usize) -> Self {
        let (answers, by_tag, row) = (HashMap::new(), HashMap::new(), VecDeque::new());
        Self { bytes_max, bytes: 0, answers, by_tag, row, tickets: 0 }
    }

    pub(super) fn get(&mut self, key: &str) -> Option<Ready> {
        let kept = self.answers.get_mut(key)?;
        kept.used = true;
        Some(kept.ready.clone())
    }

    pub(super) fn put(&mut self, key: Arc<str>, ready: Ready, tags: &[Tag]) {
        let bytes = ready.body.len() + key.len() + OVERHEAD_BYTES;
        if bytes > self.bytes_max {
            return;
        }
        self.take(&key);
        self.make_room(bytes);
        for tag in tags {
            self.by_tag.entry(*tag).or_default().insert(key.clone());
        }
        self.tickets += 1;
        self.bytes += bytes;
        self.row.push_back((self.tickets, key.clone()));
        self.answers.insert(key, Kept { ready, tags: tags.to_vec(), bytes, used: false, ticket: self.tickets });
    }

    pub(super) fn remove(&mut self, tags: &[Tag]) {
        for tag in tags {
            for key in self.by_tag.remove(tag).unwrap_or_default() {
                self.take(&key);
            }
        }
        self.tidy();
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new(self.bytes_max);
    }

    fn take(&mut self, key: &Arc<str>) {
        let Some(kept) = self.answers.remove(key) else {
            return;
        };
        self.bytes -= kept.bytes;
        for tag in kept.tags {
            if let Some(keys) = self.by_tag.get_mut(&tag) {
                keys.remove(key);
                if keys.is_empty() {
                    self.by_tag.remove(&tag);
                }
            }
        }
    }

    fn make_room(&mut self, bytes: usize) {
        while self.bytes + bytes > self.bytes_max {
            let Some((ticket, key)) = self.row.pop_front() else {
                return;
            };
            match self.answers.get_mut(&key).filter(|kept| kept.ticket == ticket) {
                Some(kept) if kept.used => {
                    kept.used = false;
                    self.row.push_back((ticket, key));
                }
                Some(_) => self.take(&key),
                None => {}
            }
        }
        self.tidy();
    }

    /// Keys of answers that are gone are left in the row; once they are the most of it, they leave together.
    fn tidy(&mut self) {
        if self.row.len() > 2 * self.answers.len() + 16 {
            self.row.retain(|(ticket, key)| self.answers.get(key).is_some_and(|kept| kept.ticket == *ticket));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: Tag = Tag::List("things");

    fn ready(bytes: usize) -> Ready {
        Ready::json(&"a".repeat(bytes - 2)).expect("an answer")
    }

    fn shelf_for(answers: usize) -> Shelf {
        Shelf::new(answers * (100 + 1 + OVERHEAD_BYTES))
    }

    #[test]
    fn the_longest_unused_leaves_first() {
        let mut shelf = shelf_for(3);
        for key in ["a", "b", "c"] {
            shelf.put(key.into(), ready(100), &[]);
        }
        assert!(shelf.get("a").is_some());
        shelf.put("d".into(), ready(100), &[]);
        let there = |shelf: &mut Shelf| ["a", "b", "c", "d"].map(|key| shelf.get(key).is_some());
        assert_eq!(there(&mut shelf), [true, false, true, true]);
    }

    #[test]
    fn nothing_outgrows_the_bound() {
        let mut shelf = shelf_for(3);
        for n in 0..1_000_u32 {
            shelf.put(n.to_string().into(), ready(50), &[LIST]);
            shelf.put("again".into(), ready(50), &[LIST]);
            assert!(shelf.bytes <= shelf.bytes_max && shelf.row.len() <= 2 * shelf.answers.len() + 16);
        }
        shelf.put("big".into(), ready(10_000), &[]);
        assert!(shelf.get("big").is_none() && shelf.get("again").is_some());
        shelf.remove(&[LIST]);
        assert_eq!((shelf.bytes, shelf.answers.len(), shelf.by_tag.len()), (0, 0, 0));
    }
}
