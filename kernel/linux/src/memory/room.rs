//! Memory for the running thread, when there was none.

use crate::process::Current;
use mem::reclaim::{self, Room};

/// The current thread has found too few frames. On a core that holds no lock of memory's: of no space, no object, no disk.
pub fn make(thread: &Current) -> Room {
    let (vain, asker) = (thread.own().vain.get(), thread.process.pid);
    let (room, vain) = reclaim::attempt(vain, Some(asker), || thread.wake());
    thread.own().vain.set(vain);
    room
}

/// The current thread has got what it looked for: tries in vain count from here again.
pub fn satisfied(thread: &Current) {
    if thread.own().vain.get() > 0 {
        thread.own().vain.set(0);
    }
}
