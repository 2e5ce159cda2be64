//! What tori say about how busy they are.

use super::Load;
use crate::message::field::Field;
use crate::pid::Pid;

fields!(Load {
    runnable: u32,
    cores: u32,
    frames: u64
});

messages! {
    /// Tori that are busy, idle, or drained.
    protocol 5;

    /// To every torus: how busy the sender is.
    1 Load {
        /// Its load.
        load: Load,
    }
    /// To a busy torus: give me a process, I have idle cores.
    2 Want {
        /// The sender's load.
        load: Load,
    }
    /// To a torus: take no processes in, send away those that live there, and answer how many those are.
    3 Drain {
        /// The process that asks.
        from: Pid,
        /// What the answer is to carry.
        token: u64,
        /// It has not asked before: from now on. Else only if that has not been undone.
        begin: bool,
        /// Take processes in again.
        undo: bool,
    }
}
