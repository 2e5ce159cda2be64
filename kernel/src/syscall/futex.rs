//! futex(2): WAIT and WAKE, with bit sets. A word is known by address space and address; where an object is mapped shared, by
//! the object and the place in it, so that processes which share the memory mean the same word.

use crate::arch::time;
use crate::mem::space::VmSpace;
use crate::mem::user::read_value;
use crate::process::Thread;
use crate::sched::lock::Lock;
use crate::syscall::call::{Call, Stop, SysResult};
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;
use vm::addr::{PAGE_SIZE, Page, VirtAddr};
use vm::space::{Backing, Object};

const WAIT: i32 = 0;
const WAKE: i32 = 1;
const WAIT_BITSET: i32 = 9;
const WAKE_BITSET: i32 = 10;
const PRIVATE: i32 = 128;
const CLOCK_REALTIME: i32 = 256;

/// In a key, tells objects from address spaces.
const SHARED: u64 = 1 << 63;

/// A thread that waits for a word.
struct Waiter {
    thread: Arc<Thread>,
    key: Key,
    bits: u32,
}

/// Which word: two threads mean the same one when the keys are equal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Key {
    space: u64,
    address: usize,
}

/// The futex waiters of a torus.
pub struct Futexes {
    waiters: Lock<Vec<Waiter>>,
}

impl Futexes {
    /// None.
    pub const fn new() -> Self {
        Self {
            waiters: Lock::new(Vec::new()),
        }
    }

    fn wake(&self, key: Key, most: usize, bits: u32) -> usize {
        let mut waiters = self.waiters.lock();
        let mut woken = 0;
        let mut index = 0;
        while index < waiters.len() && woken < most {
            let waiter = &waiters[index];
            if waiter.key == key && waiter.bits & bits != 0 {
                waiters.remove(index).thread.wake();
                woken += 1;
            } else {
                index += 1;
            }
        }
        woken
    }

    /// Takes a thread off; whether it was still waiting.
    fn leave(&self, thread: &Arc<Thread>) -> bool {
        let mut waiters = self.waiters.lock();
        let before = waiters.len();
        waiters.retain(|waiter| !Arc::ptr_eq(&waiter.thread, thread));
        waiters.len() != before
    }
}

fn futexes() -> &'static Futexes {
    &crate::arch::cpu::this().torus().share.futexes
}

/// The word at `address`: of the address space, or of the object that is mapped there shared.
fn key_of(thread: &Thread, address: usize, private: bool) -> Result<Key, Errno> {
    if !address.is_multiple_of(4) {
        return Err(Errno::EINVAL);
    }
    let space = thread
        .space
        .with(|space| space.clone())
        .ok_or(Errno::EFAULT)?;
    let own = Key {
        space: space.number(),
        address,
    };
    if private {
        return Ok(own);
    }
    Ok(space
        .look(|space| shared_key(space, VirtAddr(address as u64)))
        .unwrap_or(own))
}

fn shared_key(space: &VmSpace, address: VirtAddr) -> Option<Key> {
    let mapping = space.find(address)?;
    let Backing::Object {
        object,
        offset,
        shared: true,
    } = &mapping.backing
    else {
        return None;
    };
    let page = offset + (Page::containing(address) - mapping.range.start);
    let within = address.0 % PAGE_SIZE as u64;
    let place = page * PAGE_SIZE as u64 + within;
    Some(Key {
        space: SHARED | u64::from(object.owner().0),
        address: place as usize,
    })
}

/// futex(2).
pub fn futex(call: &mut Call) -> SysResult {
    let operation = call.int(1);
    match operation & !(PRIVATE | CLOCK_REALTIME) {
        WAIT => wait(call, u32::MAX, false),
        WAIT_BITSET => wait(call, call.args[5] as u32, true),
        WAKE => wake(call, u32::MAX),
        WAKE_BITSET => wake(call, call.args[5] as u32),
        _ => Err(Errno::ENOSYS.into()),
    }
}

fn wake(call: &Call, bits: u32) -> SysResult {
    if bits == 0 {
        return Err(Errno::EINVAL.into());
    }
    let key = key_of(call.thread, call.size(0), call.int(1) & PRIVATE != 0)?;
    Ok(futexes().wake(key, call.int(2).max(1) as usize, bits))
}

fn wait(call: &mut Call, bits: u32, absolute: bool) -> SysResult {
    if bits == 0 {
        return Err(Errno::EINVAL.into());
    }
    let key = key_of(call.thread, call.size(0), call.int(1) & PRIVATE != 0)?;
    if call.inflight.runs > 0 {
        // Gone from the list: somebody woke it. Still there: the time is over, or nothing happened.
        if !futexes().leave(call.thread) {
            return Ok(0);
        }
        if call.inflight.deadline.is_some_and(|at| time::now() >= at) {
            return Err(Errno::ETIMEDOUT.into());
        }
    } else if call.args[3] != 0 {
        call.inflight.deadline = Some(deadline(call, absolute)?);
    }
    let value: u32 = read_value(call.size(0))?;
    if value != call.args[2] as u32 {
        return Err(Errno::EAGAIN.into());
    }
    let mut waiters = futexes().waiters.lock();
    waiters.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
    waiters.push(Waiter {
        thread: call.thread.clone(),
        key,
        bits,
    });
    drop(waiters);
    // A wake-up between the look at the word and the list is not lost: look once more.
    let value: u32 = read_value(call.size(0))?;
    if value != call.args[2] as u32 {
        futexes().leave(call.thread);
        return Err(Errno::EAGAIN.into());
    }
    Err(Stop::Block)
}

fn deadline(call: &Call, absolute: bool) -> Result<crate::sched::time::Nanos, Stop> {
    let after = crate::process::time::deadline_after(call.size(3))?;
    if !absolute {
        return Ok(after);
    }
    // `after` is now + the absolute time; take the clock's own reading off again.
    let clock = if call.int(1) & CLOCK_REALTIME != 0 {
        time::wall()
    } else {
        time::now()
    };
    Ok(crate::sched::time::Nanos(after.0.saturating_sub(clock.0)))
}

/// The thread ends, or a handler interrupts its call: it waits for no word any more, and no wake-up is spent on it.
pub fn forget(thread: &Arc<Thread>) {
    futexes().leave(thread);
}
