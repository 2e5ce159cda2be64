//! poll and ppoll: waiting for several files at once.

use super::super::machine;
use super::super::service::poll::{ALWAYS, NVAL};
use super::descriptor_limit;
use super::watch::{Watched, watch};
use crate::mem::user::{UserSlice, read_value};
use crate::sched::time::Nanos;
use crate::syscall::call::{Call, Stop, SysResult};
use crate::syscall::errno::Errno;
use alloc::vec::Vec;

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

fn wait_for(call: &mut Call, at_once: bool) -> SysResult {
    let count = call.size(1);
    if count > descriptor_limit(call) {
        return Err(Errno::EINVAL.into());
    }
    let list = UserSlice::new(call.size(0), count * 8)?;
    let mut watched = Vec::new();
    watched
        .try_reserve_exact(count)
        .map_err(|_| Errno::ENOMEM)?;
    for index in 0..count {
        let word: u64 = read_value(list.skip(index * 8).address())?;
        let (fd, wanted) = (word as i32, (word >> 32) as u16 | ALWAYS);
        watched.push(match call.process.files.get(fd) {
            _ if fd < 0 => Watched::none(fd, 0),
            Ok(file) => Watched::new(fd, file, wanted),
            Err(_) => Watched::none(fd, NVAL),
        });
    }
    watch(call, &mut watched, at_once)?;
    for (index, entry) in watched.iter().enumerate() {
        list.skip(index * 8 + 6).write(&entry.found.to_le_bytes())?;
    }
    Ok(watched.iter().filter(|entry| entry.found != 0).count())
}
