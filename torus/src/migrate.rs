//! Migration: a process moves first, its pages follow when they are touched.
//!
//! *Roles.* The **host** is the torus where the process lives; it has a [`Resident`] for it. A **home** is a
//! torus where pages of the process stayed behind; it has a [`Deposit`] for them: the process's frozen page
//! table and its share in each frame. A process has one host and at most one deposit at each home.
//! Both are state machines without I/O: `step` takes an event and appends effects, which the kernel (or the
//! emulated network of the tests) executes in order before the next event of the same machine.
//!
//! *Flow.* The source host freezes the process, turns its table into a deposit and offers the process; the
//! target builds a table with *remote* entries (home and frame), answers `Adopted`, and lets it run. A touch
//! of a remote page is a fault: the host **pulls** it from its home with some neighbours ([`Window`]), the home
//! **grants** it (pins the frame), the host copies it out of the home's frame and has the home **free** it. An
//! idle host drains what is left. With its last page of a deposit the host **releases** it.
//!
//! *Why nothing is lost or freed twice.*
//! - A page of a process is in one place: present or swapped at its host, or in one deposit.
//! - The frames of a deposit are freed by its home only, each once: when its host says so for the page, or
//!   for the whole deposit, or takes it back by returning home.
//! - Names of deposits are never used again, so messages about closed deposits are recognised and ignored.
//! - Messages between two tori are in order, others are not. So a process moves on only when nothing is under way
//!   that must not be overtaken: no pull of a page that is still wanted, no fork of a deposit, and the last move
//!   acknowledged (`Departed`). What may be overtaken is harmless: a `Free`, a `Release`, a pull of pages that were
//!   given up since. A fork that overtakes a `Free` clones pages that nobody will ask for; they go with the clone.
//!
//! *Copy-on-write families* need no more: a deposit holds shares of frames like a process does. *Shared writable*
//! pages stay at home under a **lease**: the entry of the host maps the home's frame itself and is never pulled.

mod deposit;
mod event;
mod flights;
mod resident;
mod window;

pub use deposit::{Deposit, DepositEffect, DepositEvent, Held, HeldPages};
pub use event::{Effect, Event, Killed};
pub use resident::{Claim, RemotePages, Resident};
pub use window::Window;

use vm::addr::Page;

use crate::{DepositId, pid::Pid};

/// An event that its machine cannot meet in this state: one of the two sides is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MigrateError {
    /// The process is being created, offered, or ended.
    #[error("process {0} cannot do this now")]
    Busy(Pid),
    /// The process has no pages at that home.
    #[error("process {0} has no pages there")]
    NoClaim(Pid),
    /// More pages were given up than there were.
    #[error("process {0} gave up pages that it did not have")]
    TooManyPages(Pid),
    /// The host asked for a page, or freed one, that the deposit does not hold.
    #[error("{page:?} is not in deposit {deposit}")]
    NotHeld {
        /// The deposit.
        deposit: DepositId,
        /// The page.
        page: Page,
    },
}
