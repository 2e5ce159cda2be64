//! What happens to a process at its host, and what the host has to do.

use vm::{addr::Page, table::Source};

use super::{Message, Refusal};
use crate::{DepositId, TorusId, span::Span};

/// What happens to a process at its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A thread touched a page that is remote by this claim, and waits.
    Fault {
        /// The page.
        page: Page,
        /// The claim.
        source: Source,
    },
    /// Nothing else to do: pages from `first` on are still remote by this claim.
    Idle {
        /// A page to begin with.
        first: Page,
        /// The claim.
        source: Source,
    },
    /// Nothing in the table leads to this claim any more.
    Swept {
        /// The claim.
        source: Source,
    },
    /// [`Message::Grant`].
    Granted {
        /// Whose pages.
        deposit: DepositId,
        /// Which.
        span: Span,
    },
    /// [`Message::Lost`].
    Lost {
        /// Whose page.
        deposit: DepositId,
        /// Which.
        page: Page,
    },
    /// These pages of [`Effect::Copy`] are present now, or not wanted any more.
    Copied {
        /// Whose pages.
        deposit: DepositId,
        /// Which.
        span: Span,
    },
    /// There was no memory for these pages of [`Effect::Copy`]: they are still remote, and who waits for one tries again.
    Uncopied {
        /// Whose pages.
        deposit: DepositId,
        /// Which.
        span: Span,
    },
    /// Move to another torus when possible.
    Leave {
        /// The target, not this torus.
        to: TorusId,
    },
    /// [`Message::Adopted`].
    Adopted,
    /// [`Message::Refused`].
    Refused(Refusal),
    /// [`Message::Departed`].
    Departed,
    /// [`Message::Forked`], for the parent and for the child.
    Forked {
        /// The child's deposit.
        child: DepositId,
    },
    /// [`Message::ForkFailed`], for the parent and for the child.
    ForkFailed {
        /// The child's deposit.
        child: DepositId,
    },
    /// The process has a new, empty address space.
    Exec,
    /// The process has ended; its address space is gone.
    Exit,
}

/// What the kernel has to do, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send a message.
    Send {
        /// The receiver.
        to: TorusId,
        /// The message.
        message: Message,
    },
    /// Copy those of these pages that are still remote from the frames that the deposit's table names into own ones, and
    /// map them. Report the events of [`Copies`](super::Copies) at once, under the same lock.
    Copy {
        /// Whose pages.
        deposit: DepositId,
        /// Which.
        span: Span,
        /// Those that threads wait for.
        awaited: Span,
    },
    /// Threads that wait for these pages try again.
    Wake(Span),
    /// When the call or fault that this arose in has ended and before the process runs again: freeze it, make
    /// its deposit and image, and send [`Message::Offer`].
    Depart {
        /// The target.
        to: TorusId,
    },
    /// The process stays: undo the freezing and the deposit.
    Resume(Refusal),
    /// Send on what has been held for the process since it was frozen.
    Forward {
        /// Its new host.
        to: TorusId,
    },
    /// The process is on another torus: forget it and this machine. Its table belongs to the deposit.
    Forget,
    /// The forked child may run, and the parent's call returns.
    Start,
    /// There is no child: the parent's call fails. What has been made is ended as by [`Event::Exit`].
    Abort,
    /// Kill the process: a page that it waits for is lost.
    Kill,
    /// The process has ended and every deposit is given up: forget this machine.
    Over,
}
