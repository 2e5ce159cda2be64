//! What happens to a process at its host, and what the host has to do.

use vm::addr::{Frame, Page};

use crate::{
    DepositId, TorusId,
    message::{Message, Refusal},
    span::Span,
};

/// Why a process is killed that did nothing wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Killed {
    /// There is no frame for a page that it touches.
    NoMemory,
    /// A page that it touches could not be read from its home's swap device.
    PageLost,
}

/// What happens to a process at its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A thread touched a remote private page of this home, and waits.
    Fault {
        /// The page.
        page: Page,
        /// Its home.
        home: TorusId,
    },
    /// Nothing else to do: private pages from `first` on are still at this home.
    Idle {
        /// A page to begin with.
        first: Page,
        /// Its home.
        home: TorusId,
    },
    /// [`Message::Grant`].
    Granted {
        /// Whose pages.
        deposit: DepositId,
        /// Which.
        span: Span,
    },
    /// [`Message::GrantAt`].
    GrantedAt {
        /// Whose page.
        deposit: DepositId,
        /// Which.
        page: Page,
        /// Where it is at home.
        frame: Frame,
    },
    /// [`Message::Lost`].
    Lost {
        /// Whose page.
        deposit: DepositId,
        /// Which.
        page: Page,
    },
    /// These pages of [`Effect::Copy`] are present now.
    Copied {
        /// Whose pages.
        deposit: DepositId,
        /// Which.
        span: Span,
    },
    /// There was no memory for these pages of [`Effect::Copy`]: they are still remote.
    Uncopied {
        /// Whose pages.
        deposit: DepositId,
        /// Which.
        span: Span,
    },
    /// These entries are gone: unmapped, or the same content was found here.
    Unneeded {
        /// Their home.
        home: TorusId,
        /// The pages.
        span: Span,
        /// Whether they were leases.
        leases: bool,
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
    /// [`Message::Released`].
    Released {
        /// The deposit that is closed.
        deposit: DepositId,
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
    /// Copy these pages from the home's frames into own ones and map them; report [`Event::Copied`] and
    /// [`Event::Uncopied`] at once, under the same lock.
    Copy {
        /// Whose pages.
        deposit: DepositId,
        /// Which.
        span: Span,
        /// The frame of the home, if it is not the one that the entry names.
        frame: Option<Frame>,
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
    /// Kill the process.
    Kill(Killed),
    /// An ended process has nothing anywhere any more: forget this machine.
    Over,
}
