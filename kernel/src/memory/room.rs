//! Memory for the running thread, when there was none.

use crate::mem::reclaim::{self, Room};
use crate::process::Thread;
use alloc::sync::Arc;

/// The current thread has found too few frames. On a core that holds no lock of memory's: of no space, no object, no disk.
pub fn make(thread: &Arc<Thread>) -> Room {
    let (vain, asker) = (thread.vain.get(), thread.process.pid);
    let (room, vain) = reclaim::attempt(vain, Some(asker), || thread.wake());
    thread.vain.set(vain);
    room
}

/// The current thread has got what it looked for: tries in vain count from here again.
pub fn satisfied(thread: &Thread) {
    if thread.vain.get() > 0 {
        thread.vain.set(0);
    }
}
