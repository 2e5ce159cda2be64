//! Consoles: the log on COM1 and the screen, and the programs' descriptors 0, 1 and 2.
//!
//! The log is for people: lines of text. What programs write goes to the *program console*: the framed port COM2
//! when the command line says so (`docs/console.md`), so that log and output never mix, else the log's own port.

mod backlog;
mod frame;
mod logger;
pub mod program;
pub mod screen;
mod uart;

pub use backlog::{Backlog, CAPACITY as BACKLOG};
pub use logger::{break_lock, deadline, drain, emergency, is_heard, pump, set_level, start};
