//! Idling: what a core does with an empty queue.

use crate::core::{Core, shared, steal};
use crate::deadline::arm;
use crate::owner::Owner;
use crate::thread::Thread;
use crate::torus::of;
use alloc::sync::Arc;
use machine::cpu;

/// The next thread of this core's queue, or one stolen from another core of the torus, with the virtual time that it has used here;
/// halts until there is one.
pub(crate) fn next<O: Owner>(core: &Core<O>) -> (Arc<Thread<O>>, u64) {
    let here = cpu::this();
    let idle = &of(tori::here()).idle;
    loop {
        O::take_in();
        tori::rings::serve();
        O::idle();
        O::keep_up();
        if let Some(thread) = find(core) {
            return thread;
        }
        cpu::let_interrupts_in();
        if !tori::rings::is_choked() && O::idle_work() {
            continue;
        }
        machine::console::pump(true);
        // A core that queues a thread after this line sees the bit; a thread that was queued before is found by the second look.
        idle.insert(here.core_in_torus);
        let found = find(core);
        if found.is_none() {
            arm(core);
            tori::rings::rest(|core| idle.contains(core));
            if !is_called() {
                cpu::halt_until_interrupt();
            }
        }
        idle.remove(here.core_in_torus);
        if let Some(thread) = found {
            return thread;
        }
    }
}

/// Whether there is work for a core without a thread that may have come since it was last looked for: whoever leaves a core something
/// [has it look around](cpu::request_resched), and messages of this core to its own torus interrupt nobody.
fn is_called() -> bool {
    cpu::take_resched() || tori::rings::is_rung()
}

/// Nobody while more waits for other tori than may.
fn find<O: Owner>(core: &Core<O>) -> Option<(Arc<Thread<O>>, u64)> {
    if tori::rings::is_choked() {
        return None;
    }
    let mut own = core.queue.lock();
    if let Some(found) = own.pop() {
        return Some(found);
    }
    let floor = own.floor();
    drop(own);
    let here = cpu::this();
    let torus = tori::here();
    let cores = torus.cores();
    (1..cores).find_map(|step| {
        let other = torus.core((here.core_in_torus + step) % cores);
        // A look without the lock first: most cores have nothing queued.
        let mut queue = shared::<O>(other).queue.try_lock()?;
        let stolen = steal(&mut queue)?;
        tori::counters::own().steals.add(1);
        Some((stolen, floor))
    })
}
