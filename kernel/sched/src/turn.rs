//! A thread's turn: how long it is, and what it costs.

use crate::core::Core;
use crate::deadline::arm;
use crate::owner::Owner;
use crate::thread::Thread;
use braid_threads::fair::virtual_time;
use braid_time::Nanos;
use machine::time;

/// How long a thread runs before the next one's turn.
pub const SLICE: Nanos = Nanos::from_millis(10);

/// Counts what a current thread has used of its core since that was counted last.
pub(crate) fn charge<O: Owner>(core: &Core<O>, thread: &Thread<O>) {
    let used = core.account.settle();
    let nice = thread.policy().share(thread.nice());
    core.account
        .use_turn(thread, virtual_time(used.total(), nice));
    core.busy.add(used.total());
    O::charge(thread, used);
}

/// When the slice of a thread ends that begins now.
pub(crate) fn slice_end<O: Owner>(thread: &Thread<O>) -> Nanos {
    time::now() + Nanos::new(O::left(thread)).min(SLICE)
}

/// The current thread may run until then before its core looks around.
pub(crate) fn begin_slice<O: Owner>(core: &Core<O>, end: Nanos) {
    core.slice_end.set(end);
    arm(core);
}
