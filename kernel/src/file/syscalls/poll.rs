//! poll and ppoll: waiting for several files at once.

use super::super::caller::Caller;
use super::super::machine;
use super::super::open::{Body, OpenFile};
use super::super::tty;
use super::descriptor_limit;
use crate::mem::user::{UserSlice, read_value};
use crate::sched::time::Nanos;
use crate::sched::wait::Waiter;
use crate::syscall::call::{Call, Stop, SysResult};
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;

pub(super) const IN: u16 = 0x1;
pub(super) const OUT: u16 = 0x4;
pub(super) const ERR: u16 = 0x8;
pub(super) const HUP: u16 = 0x10;
const NVAL: u16 = 0x20;
const RDNORM: u16 = 0x40;
const WRNORM: u16 = 0x100;

/// What can be done with a file without waiting, as far as it is `wanted` or an end; tells the waiter of changes.
pub(super) fn events(file: &OpenFile, wanted: u16, waiter: Option<&Arc<dyn Waiter>>) -> u16 {
    let readable = |yes: bool| if yes { IN | RDNORM } else { 0 };
    const WRITABLE: u16 = OUT | WRNORM;
    // All tori share the console: it is not asked for what nobody wants to know.
    let console = || readable(wanted & (IN | RDNORM) != 0 && tty::is_readable(waiter));
    match &file.body {
        Body::Pipe(end) => {
            let state = end.state(waiter);
            let room = if state.writable { WRITABLE } else { 0 };
            let closed = match (state.closed, end.writes()) {
                (false, _) => 0,
                (true, false) => HUP,
                (true, true) => ERR,
            };
            readable(state.readable) | room | closed
        }
        Body::Terminal(_) => console() | WRITABLE,
        Body::Input => console() | if tty::has_ended() { HUP } else { 0 },
        Body::Output(_) => WRITABLE,
        _ => IN | RDNORM | WRITABLE,
    }
}

/// poll(2).
pub fn poll(call: &mut Call) -> SysResult {
    let timeout = call.int(2);
    if call.inflight.runs == 0 && timeout > 0 {
        call.inflight.deadline = Some(after(timeout as u64 * 1_000_000));
    }
    wait_for(call, timeout == 0)
}

/// ppoll(2).
pub fn ppoll(call: &mut Call) -> SysResult {
    let timeout = timeout(call, 2, 1)?;
    wait_mask(call, call.size(3), call.size(4))?;
    wait_for(call, timeout)
}

/// Waits with another signal mask, if there is one at `address`.
pub(super) fn wait_mask(call: &mut Call, address: usize, size: usize) -> Result<(), Stop> {
    if address == 0 {
        return Ok(());
    }
    if size != 8 {
        return Err(Errno::EINVAL.into());
    }
    let mask = read_value(address)?;
    crate::signal::calls::with_mask(call, mask);
    Ok(())
}

/// A point in time so many nanoseconds from now.
pub(super) fn after(nanos: u64) -> Nanos {
    Nanos(machine::now().0.saturating_add(nanos))
}

/// Sets the deadline by the pair of 64-bit numbers (seconds, and `unit` nanoseconds each) that argument `index` points to; null
/// is none. Answers whether it is zero: do not wait at all.
pub(super) fn timeout(call: &mut Call, index: usize, unit: u64) -> Result<bool, Stop> {
    if call.args[index] == 0 {
        return Ok(false);
    }
    if call.inflight.runs > 0 {
        return Ok(false);
    }
    let [seconds, part]: [i64; 2] = read_value(call.size(index))?;
    let nanos = u64::try_from(part)
        .ok()
        .and_then(|part| part.checked_mul(unit));
    let seconds = u64::try_from(seconds).map_err(|_| Errno::EINVAL)?;
    let nanos = nanos
        .filter(|&nanos| nanos < 1_000_000_000 || unit > 1)
        .ok_or(Errno::EINVAL)?;
    let total = seconds.saturating_mul(1_000_000_000).saturating_add(nanos);
    call.inflight.deadline = Some(after(total));
    Ok(total == 0)
}

/// Whether a waiting call's time is over.
pub(super) fn is_over(call: &Call) -> bool {
    call.inflight
        .deadline
        .is_some_and(|deadline| machine::now() >= deadline)
}

/// One `struct pollfd`.
struct Polled {
    fd: i32,
    wanted: u16,
    found: u16,
}

fn wait_for(call: &mut Call, at_once: bool) -> SysResult {
    let count = call.size(1);
    if count > descriptor_limit(call) {
        return Err(Errno::EINVAL.into());
    }
    let list = UserSlice::new(call.size(0), count * 8)?;
    let mut polled = Vec::new();
    polled.try_reserve_exact(count).map_err(|_| Errno::ENOMEM)?;
    for index in 0..count {
        let word: u64 = read_value(list.skip(index * 8).address())?;
        polled.push(Polled {
            fd: word as i32,
            wanted: (word >> 32) as u16,
            found: 0,
        });
    }
    let mut ready = look(call, &mut polled, None);
    if ready == 0 && !at_once && !is_over(call) {
        // Enrolled first and looked at again after: a change in between is not missed.
        ready = look(call, &mut polled, Some(&Caller::of(call).waiter()));
        if ready == 0 {
            return Err(Stop::Block);
        }
    }
    for (index, entry) in polled.iter().enumerate() {
        list.skip(index * 8 + 6).write(&entry.found.to_le_bytes())?;
    }
    Ok(ready)
}

/// Fills in what is found; answers how many entries found something.
fn look(call: &Call, polled: &mut [Polled], waiter: Option<&Arc<dyn Waiter>>) -> usize {
    let mut ready = 0;
    for entry in polled {
        entry.found = match call.process.files.get(entry.fd) {
            _ if entry.fd < 0 => 0,
            Ok(file) => events(&file, entry.wanted, waiter) & (entry.wanted | ERR | HUP),
            Err(_) => NVAL,
        };
        ready += usize::from(entry.found != 0);
    }
    ready
}
