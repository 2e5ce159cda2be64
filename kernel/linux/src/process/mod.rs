//! Processes and threads.
//!
//! Roles: a [`Process`] owns what a program has (descriptors, limits, signal actions, children); a [`Thread`] is what runs
//! (registers, address space, signal mask). The [`table::Table`] of a torus knows them by number, and guards the family
//! relations.
//!
//! Flow: [`fork`] makes a process from another, [`exec`] puts a program into it, [`end`] turns it into a zombie,
//! [`wait`] collects that.

pub mod account;
pub mod alarm;
pub mod balance;
pub mod charge;
pub mod closing;
pub mod command;
pub mod credentials;
pub mod deferred;
pub mod drain;
pub mod effects;
pub mod emptied;
pub mod end;
pub mod exec;
pub mod fork;
pub mod group;
pub mod identity;
pub mod init;
pub mod limit_calls;
pub mod limits;
pub mod name;
pub mod obey;
pub mod oom;
pub mod order;
pub mod parts;
pub mod payer;
pub mod personality;
pub mod policy;
pub mod priority;
pub mod random;
pub mod remote;
pub mod state;
pub mod stuck;
pub mod table;
pub mod thread;
pub mod time;
pub mod timers;
pub mod times;
pub mod users;
pub mod wait;

pub use ::torus::pid::Pid;
pub use init::start;
pub use name::Name;
pub use sched::RunState;
pub use state::Process;
pub use table::{Table, table};
pub use thread::{Current, Thread};
