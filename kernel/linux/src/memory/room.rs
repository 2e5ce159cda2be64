//! Memory for the running thread, when there was none.

use crate::process::Current;
use mem::reclaim::Room;

/// The current thread has found too few frames. On a core that holds no lock of memory's: of no space, no object, no disk.
pub fn make(thread: &Current) -> Room {
    let asker = thread.process.pid;
    thread.own().retry.make_room(Some(asker), || thread.wake())
}

/// The current thread has got what it looked for: tries in vain count from here again.
pub fn satisfied(thread: &Current) {
    thread.own().retry.succeeded();
}
