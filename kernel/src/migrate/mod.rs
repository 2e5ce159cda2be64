//! Migration: processes that move to another torus, and what stays behind. docs/migration.md has the protocol, `torus::migrate`
//! the state machines, `vm` the tables; this executes them.
//!
//! *Roles.* [`call`] is what programs ask for. [`depart`] freezes a process on its way back to its program, makes its
//! [`image`] and offers it; [`arrive`] makes the process of an image. [`host`] pulls pages for a process that has arrived;
//! [`lease`] is about shared memory, [`home`] keeps and grants those that stayed here, [`reading`] has them come back from swap first.
//!
//! *Locks.* A space's lock guards its machine ([`host::Host`]) too. Under it a frozen space of the same torus may be locked, and
//! [`share::Share`]'s maps, which are held for a look only. Threads and processes are told when the space's lock is free again.

pub mod arrive;
pub mod call;
pub mod depart;
pub mod home;
pub mod host;
pub mod image;
pub mod lease;
mod reading;
pub mod receive;
pub mod share;

pub use share::{Share, is_quiet};
