//! Migration: a process moves first, its pages follow when they are touched.
//!
//! *Roles.* The **host** is the torus where the process lives; its address space has a [`PullMachine`]. A **home** is a
//! torus where pages of it stayed behind; it has a [`Deposit`] for them: the frozen address space, with its share in
//! each frame. A process has one host, and a deposit for each move whose pages have not all come yet: the host's *claim* to
//! a deposit has a number, by which entries of the page table refer to it ([`vm::table::Source`]).
//! Both are state machines without I/O: `step` takes an event and appends effects, which the kernel (or the
//! emulated network of the tests) executes in order before the next event of the same machine.
//!
//! *Flow.* The source host freezes the process, makes its address space a deposit and offers the process; the target
//! makes a *folded* table, in which everything is as in the deposit's, answers `Adopted`, and lets it run. A touch
//! of a remote page is a fault: the host **pulls** it from its home with some neighbours ([`Window`]), the home
//! **grants** it (pins the frame), the host copies it from the frame that the deposit's table names and has the home
//! **free** it. An idle host drains what is left. When nothing remote leads to a deposit any more, it is **released**.
//!
//! *Why nothing is lost or freed twice.*
//! - A page of a process is in one place: present or swapped at its host, or in the one deposit that its entry leads to.
//! - The frames of a deposit are freed by its home only, each once: when its host says so for the page or for the
//!   whole deposit, or takes the page back on the same torus.
//! - Names of deposits are never used again, so messages about closed deposits are recognised and ignored.
//! - Messages between two tori are in order, others are not. So a process moves on only when nothing is under way
//!   that must not be overtaken: no pull of a page that is still wanted, no fork of a deposit, and the last move
//!   acknowledged (`Departed`). What may be overtaken is harmless: a `Free`, a `Release`, a pull of pages that were
//!   given up since. A fork that overtakes a `Free` clones pages that nobody will ask for; they go with the clone.
//! - What is folded was never unfolded by anyone, so its pages are all still in the deposit that it leads to.
//!
//! *Copy-on-write families* need no more: a deposit holds shares of frames like a process does. Pages of *shared
//! objects* stay at home under a **lease**: they are asked for like others at the first touch after a move, and the
//! entry of the host then maps the home's frame itself. The deposit stays open while an object is mapped by it.

mod copies;
mod deposit;
mod effects;
mod event;
mod flights;
mod message;
mod pull_machine;
mod window;

pub use copies::Copies;
pub use deposit::{Deposit, DepositEffect, DepositEffects, DepositEvent, Held, HeldPages};
pub use effects::Few;
pub use event::{Effect, Event};
pub use message::{Message, Refusal};
pub use pull_machine::{Claim, PullMachine, RemotePages};
pub use window::Window;

/// Effects of a process: one for each of its claims or pulls, or for each message of a pull in the background, and one or two more.
pub type Effects = Few<Effect, 32>;

use vm::{addr::Page, table::Source};

use crate::{DepositId, pid::Pid};

/// An event that its machine cannot meet in this state: one of the two sides is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MigrateError {
    /// The process is being created, offered, or has ended.
    #[error("process {0} cannot do this now")]
    Busy(Pid),
    /// There is no memory for what is to be noted of it; nothing has changed.
    #[error("no memory for process {0}")]
    NoMemory(Pid),
    /// The process has no deposit of this number.
    #[error("process {0} has no deposit {n}", n = .1.0)]
    NoClaim(Pid, Source),
    /// The host asked for a page, or freed one, that the deposit does not hold.
    #[error("{page:?} is not in deposit {deposit}")]
    NotHeld {
        /// The deposit.
        deposit: DepositId,
        /// The page.
        page: Page,
    },
}
