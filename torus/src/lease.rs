//! Shared memory of processes that have moved: a memory object stays on its torus, its *home*, and other tori map its pages
//! *under a lease*.
//!
//! *Roles.* The home's [`Lender`] knows who holds an object and which pages it has lent to whom: these stay where they are. A torus whose
//! processes map the object has one [`Lease`] of it, which knows where its pages are, in the list of its [`Holdings`].
//!
//! *Flow.* A process takes its objects with it by number; each torus that has one is counted as a holder. A page is asked for at its
//! first touch, and then lent ([`Answer::Lent`]), or copied if it never changes ([`Answer::Content`]), or refused. When an object is cut the
//! home tells the holders; they forget what lies behind, and say so, which nothing can keep them from; until then it keeps those frames. When nothing maps the object
//! any more on a torus, all that was lent to it goes back at once.
//!
//! *Order.* Messages between two tori arrive in order. A page and a cut are told of while the lender is locked, so that a page that
//! was lent before a cut is heard of before it, and one that was looked for before a cut is not lent after it. A holder may be counted by one torus and uncounted by another in any order, so
//! that counts may be negative for a while. Whoever hands an object on holds it until it has told of the new holder, so that they are
//! never all zero too early. An answer may cross the news that nothing maps the object any more, and find that something does again:
//! it names the lease under which it was asked.

mod holder;
mod holdings;
mod lender;
mod message;

pub use holder::{Known, Lease};
pub use holdings::{Entry, Holdings, Name};
pub use lender::{Cut, Lender, Look, NoObject, Outstanding, Part, Recall, Unlent};
pub use message::Message;

use vm::addr::Frame;

/// Why a page is not lent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// It lies beyond the end of the object.
    BeyondEnd,
    /// Its home cannot produce it.
    Lost,
}

impl Refusal {
    pub(crate) fn to_word(self) -> u64 {
        match self {
            Self::BeyondEnd => 1,
            Self::Lost => 2,
        }
    }

    pub(crate) fn from_word(word: u64) -> Option<Self> {
        [Self::BeyondEnd, Self::Lost]
            .into_iter()
            .find(|why| why.to_word() == word)
    }
}

/// What a home says of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// It is in this frame of the home's, and stays there.
    Lent(Frame),
    /// It never changes, and has this root (of zeros: zero).
    Content([u64; 4]),
    /// The process that asked does not get it.
    Refused(Refusal),
}

#[cfg(test)]
mod tests;
