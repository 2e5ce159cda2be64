//! The log, on COM1 and on the screen, and the serial ports.

mod backlog;
mod logger;
pub mod screen;
pub mod uart;

pub use backlog::{Backlog, CAPACITY as BACKLOG};
pub use logger::{
    break_lock, deadline, drain, emergency, is_heard, listen, pump, set_level, start, write_plain,
};
