//! What tori say about memory objects that they lend.

use super::Refusal;
use crate::message::field::Field;
use crate::{TorusId, pid::Pid};
use vm::addr::Frame;

field!(Refusal, why => why.to_word(), word => Self::from_word(word));

messages! {
    /// Memory objects that are lent.
    protocol 3;

    /// To the home of an object: how often a torus was given it has changed.
    1 Hold {
        /// The object's number at its home.
        object: u64,
        /// The torus that holds it, or does not after all.
        holder: TorusId,
        /// By how much.
        change: i32,
    }
    /// Holder to home: nothing maps the object here any more.
    2 Unhold {
        /// The object's number at its home.
        object: u64,
        /// How often it was given to the sender.
        count: u32,
    }
    /// Holder to home: lend me this page.
    3 Lend {
        /// The object's number at its home.
        object: u64,
        /// The sender's number of the lease.
        lease: u64,
        /// Which page of it.
        index: u64,
        /// The process that touches it.
        asker: Pid,
    }
    /// Home to holder: the page is in this frame, and stays there until you let it go.
    4 Lent {
        /// The receiver's number of the lease.
        lease: u64,
        /// Which page of it.
        index: u64,
        /// The frame.
        frame: Frame,
    }
    /// Home to holder: the process does not get the page.
    5 NotLent {
        /// The receiver's number of the lease.
        lease: u64,
        /// Which page of it.
        index: u64,
        /// The process that touches it.
        asker: Pid,
        /// Refusal.
        why: Refusal,
    }
    /// Home to holder of an object that never changes: the page has this root, and is in this frame until you have it.
    6 Content {
        /// The receiver's number of the lease.
        lease: u64,
        /// Which page of it.
        index: u64,
        /// The frame.
        frame: Frame,
        /// The first word of its root.
        root0: u64,
        /// The second.
        root1: u64,
        /// The third.
        root2: u64,
        /// The last.
        root3: u64,
    }
    /// Holder to home: I have the page.
    7 HaveContent {
        /// The object's number at its home.
        object: u64,
        /// Which page of it.
        index: u64,
    }
    /// Home to holder: the object has been cut.
    8 Cut {
        /// The object's number at its home.
        object: u64,
        /// The first page that is gone.
        from: u64,
        /// Which of its cuts this is.
        cut: u64,
    }
    /// Holder to home: I have forgotten what was cut.
    9 Forgotten {
        /// The object's number at its home.
        object: u64,
        /// The first page that is gone.
        from: u64,
        /// Which of its cuts.
        cut: u64,
    }
    /// To oneself: a page that is to be lent may have come from its swap slot.
    10 LendAgain {
        /// The object's number here.
        object: u64,
        /// Which page of it.
        index: u64,
        /// The torus that asks.
        holder: TorusId,
        /// Its number of the lease.
        lease: u64,
        /// The process that touches it.
        asker: Pid,
    }
}
