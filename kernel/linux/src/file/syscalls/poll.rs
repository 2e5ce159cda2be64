//! poll and ppoll: waiting for several files at once.

use super::super::facts;
use super::super::service::poll::{ALWAYS, NVAL};
use super::descriptor_limit;
use super::watch::{Watched, watch};
use crate::file::context::HasFiles as _;
use crate::process::time::write_left;
use crate::signal::calls::with_mask;
use crate::syscall::call::{Call, Stop, SysResult, TimeLeft};
use crate::syscall::errno::Errno;
use braid_files::chunks::Chunks;
use braid_time::{Invalid, Nanos};
use mem::user::{UserSlice, read_value};
use tori::pieces;

/// poll(2).
pub fn poll(call: &mut Call) -> SysResult {
    call.set_deadline(|call| {
        let millis = u64::try_from(call.int(2)).ok();
        Ok(millis.map(|millis| facts::now() + Nanos::from_millis(millis)))
    })?;
    wait_for(call)
}

/// ppoll(2).
pub fn ppoll(call: &mut Call) -> SysResult {
    timeout(call, 2, Nanos::from_timespec, TimeLeft::Timespec)?;
    wait_mask(call, call.size(3), call.size(4))?;
    let result = wait_for(call);
    tell_left(call, result)
}

/// Waits with another signal mask, if there is one at `address`.
pub(super) fn wait_mask(call: &Call, address: usize, size: usize) -> Result<(), Stop> {
    if address == 0 {
        return Ok(());
    }
    if size != 8 {
        return Err(Errno::EINVAL.into());
    }
    with_mask(call, |_| Ok(read_value(address)?))
}

/// Sets the deadline by the pair of 64-bit numbers that argument `index` points to, which `parse` reads; null is none. What is left
/// is told there, as `left` says; of no time nothing.
pub(super) fn timeout(
    call: &mut Call,
    index: usize,
    parse: fn([i64; 2]) -> Result<Nanos, Invalid>,
    left: impl FnOnce(usize) -> TimeLeft,
) -> Result<(), Stop> {
    let address = call.size(index);
    let mut total = Nanos::ZERO;
    call.set_deadline(|_| {
        if address == 0 {
            return Ok(None);
        }
        total = parse(read_value(address)?)?;
        Ok(Some(facts::now() + total))
    })?;
    if !total.is_zero() {
        call.inflight.left = left(address);
    }
    Ok(())
}

/// What a call answers that is over, once it has told how much of its time is left.
pub(super) fn tell_left(call: &Call, result: SysResult) -> SysResult {
    if matches!(result, Ok(_) | Err(Stop::Errno(_))) {
        let _ = write_left(call.inflight);
    }
    result
}

fn wait_for(call: &mut Call) -> SysResult {
    let count = call.size(1);
    if count > descriptor_limit(call) {
        return Err(Errno::EINVAL.into());
    }
    let list = UserSlice::new(call.size(0), count * 8)?;
    let mut watched = Chunks::new();
    for index in 0..count {
        pieces::step();
        let word: u64 = read_value(list.skip(index * 8).address())?;
        let (fd, wanted) = (word as i32, (word >> 32) as u16 | ALWAYS);
        watched.push(match call.process.files().get_for_use(fd) {
            _ if fd < 0 => Watched::none(fd, 0),
            Ok(file) => Watched::new(fd, file, wanted),
            Err(_) => Watched::none(fd, NVAL),
        })?;
    }
    watch(call, &mut watched)?;
    for (index, entry) in watched.iter().enumerate() {
        pieces::step();
        list.skip(index * 8 + 6).write(&entry.found.to_le_bytes())?;
    }
    let mut count = 0;
    while let Some(entry) = watched.pop() {
        pieces::step();
        count += usize::from(entry.found != 0);
    }
    Ok(count)
}
