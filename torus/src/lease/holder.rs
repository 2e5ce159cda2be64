//! What a torus knows of an object of another one.

use alloc::collections::BTreeMap;

use fallible::{NoMemory, TryMap};

use super::{Answer, Refusal};
use crate::pid::Pid;
use vm::addr::Frame;

/// What is known of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Known {
    /// Nothing: ask its home.
    Nothing,
    /// Its home was asked.
    Asked,
    /// It is in this frame of its home's.
    Lent(Frame),
    /// It has this root.
    Content([u64; 4]),
    /// The process does not get it.
    Refused(Refusal),
}

/// An object of another torus, as far as its pages are known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    number: u64,
    pages: BTreeMap<u64, Page>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Page {
    Asked,
    Lent(Frame),
    Content([u64; 4]),
    Refused(Pid, Refusal),
}

impl Lease {
    /// Nothing is known yet. `number` is no other lease's of this torus, ever.
    pub const fn new(number: u64) -> Self {
        Self {
            number,
            pages: BTreeMap::new(),
        }
    }

    /// The number by which answers name it.
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// What is known of a page to a process that touches it. A refusal is told once, and only to whom it is for: others ask
    /// for themselves, as it may have become different.
    pub fn look(&mut self, index: u64, process: Pid) -> Known {
        match self.pages.get(&index) {
            Some(Page::Asked) => Known::Asked,
            Some(Page::Lent(frame)) => Known::Lent(*frame),
            Some(Page::Content(root)) => Known::Content(*root),
            Some(Page::Refused(asker, why)) if *asker == process => {
                let why = *why;
                self.pages.remove(&index);
                Known::Refused(why)
            }
            Some(Page::Refused(..)) | None => Known::Nothing,
        }
    }

    /// The frame in which a page was lent, if it was.
    pub fn lent(&self, index: u64) -> Option<Frame> {
        match self.pages.get(&index)? {
            Page::Lent(frame) => Some(*frame),
            Page::Asked | Page::Content(_) | Page::Refused(..) => None,
        }
    }

    /// Its home is asked for a page.
    ///
    /// # Errors
    /// [`NoMemory`]: it is not to be asked.
    pub fn asked(&mut self, index: u64) -> Result<(), NoMemory> {
        self.pages.put(index, Page::Asked).map(|_| ())
    }

    /// The home has answered what `asker` has asked.
    pub fn answered(&mut self, index: u64, asker: Pid, answer: Answer) {
        let page = match answer {
            Answer::Lent(frame) => Page::Lent(frame),
            Answer::Content(root) => Page::Content(root),
            Answer::Refused(why) => Page::Refused(asker, why),
        };
        match self.pages.get_mut(&index) {
            // A wish that was looked at twice has been granted the first time.
            Some(Page::Lent(_) | Page::Content(_)) if matches!(page, Page::Refused(..)) => {}
            // The question has an entry, which the answer takes over, whether there is memory or not.
            Some(known) => *known = page,
            // Without memory it is asked again.
            None => drop(self.pages.put(index, page)),
        }
    }

    /// The object was cut: from this page on nothing is lent any more. What was asked since is answered later. `pause` is called after each
    /// page.
    pub fn cut(&mut self, from: u64, pause: impl Fn()) {
        let mut next = Some(from);
        while let Some(from) = next
            && let Some((&index, page)) = self.pages.range(from..).next()
        {
            if *page != Page::Asked {
                self.pages.remove(&index);
            }
            next = index.checked_add(1);
            pause();
        }
    }

    /// Nothing is known any more. `pause` is called after each page.
    pub fn clear(&mut self, pause: impl Fn()) {
        while self.pages.pop_first().is_some() {
            pause();
        }
    }
}
