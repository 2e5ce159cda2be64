//! Signals: who sends them (`send`), what waits (`state`), and what happens when
//! a thread is about to return to its program (`deliver`): an action of the kernel's, or a handler's frame (`frame`).

pub mod alarm;
pub mod calls;
pub mod deliver;
pub mod frame;
pub mod give;
pub mod send;
mod state;
pub mod timers;

pub use give::{force, is_caught};
pub use send::{send, send_group, send_info};
pub use state::SignalState;
