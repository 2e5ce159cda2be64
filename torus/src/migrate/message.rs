//! What tori say about processes that move, and the pages that they leave.

use crate::message::field::Field;
use crate::{DepositId, pid::Pid, span::Span};
use vm::addr::{Frame, Page};

/// Why a torus does not take a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// It has not the memory.
    Memory,
    /// It is being drained.
    Draining,
}

impl Refusal {
    fn to_word(self) -> u64 {
        match self {
            Self::Memory => 1,
            Self::Draining => 2,
        }
    }

    fn from_word(word: u64) -> Option<Self> {
        [Self::Memory, Self::Draining]
            .into_iter()
            .find(|refusal| refusal.to_word() == word)
    }
}

field!(Refusal, refusal => refusal.to_word(), word => Self::from_word(word));

messages! {
    /// Moves of processes, and the pages that they leave.
    protocol 1;

    /// Source to target: take this process.
    1 Offer {
        /// The process.
        pid: Pid,
        /// The frame of the source where its image begins, which the source keeps until it is answered.
        image: Frame,
    }
    /// Target to source: the process runs here.
    2 Adopted {
        /// The process.
        pid: Pid,
    }
    /// Target to source: the process stays with you.
    3 Refused {
        /// The process.
        pid: Pid,
        /// Why.
        reason: Refusal,
    }
    /// Source to target: all that was held for the process has been sent on; it may move again.
    4 Departed {
        /// The process.
        pid: Pid,
    }
    /// Host to home: let me copy these pages.
    5 Pull {
        /// Whose pages.
        deposit: DepositId,
        /// Which pages.
        span: Span,
    }
    /// Home to host: these pages are in the frames that the deposit's table names, and stay there until you free them.
    6 Grant {
        /// Whose pages.
        deposit: DepositId,
        /// Which pages.
        span: Span,
    }
    /// Home to host: the page cannot be had.
    7 Lost {
        /// Whose page.
        deposit: DepositId,
        /// Which page.
        page: Page,
    }
    /// Host to home: I need these pages no longer.
    8 Free {
        /// Whose pages.
        deposit: DepositId,
        /// Which pages.
        span: Span,
    }
    /// Host to home: make a deposit for a child, with all that is in its parent's now.
    9 Fork {
        /// The deposit of the parent.
        parent: DepositId,
        /// The name of the new one.
        child: DepositId,
    }
    /// Home to host: it is made.
    10 Forked {
        /// The deposit of the parent.
        parent: DepositId,
        /// The new one.
        child: DepositId,
        /// The frame of its top table.
        root: Frame,
    }
    /// Home to host: there is no memory to make it.
    11 ForkFailed {
        /// The deposit of the parent.
        parent: DepositId,
        /// The name that is void.
        child: DepositId,
    }
    /// Host to home: I need nothing of this any longer.
    12 Release {
        /// The deposit to close.
        deposit: DepositId,
    }
    /// To oneself: a page of a deposit may have come from its swap slot.
    13 PageRead {
        /// Whose page.
        deposit: DepositId,
        /// Which page.
        page: Page,
    }
    /// To oneself, with the ticks of a torus whose cores do not idle: go on with what processes have elsewhere.
    14 Tend {}
}
