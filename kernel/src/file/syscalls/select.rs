//! select and pselect6.

use super::super::caller::Caller;
use super::poll::{ERR, HUP, IN, OUT, events, is_over, timeout, wait_mask};
use crate::mem::user::{UserSlice, read_value};
use crate::sched::wait::Waiter;
use crate::syscall::call::{Call, Stop, SysResult};
use crate::syscall::errno::Errno;
use alloc::sync::Arc;

/// Descriptors that a set has (FD_SETSIZE).
const SET_BITS: usize = 1024;
const WORDS: usize = SET_BITS / 64;

/// Three sets: readable, writable, exceptional.
type Sets = [[u64; WORDS]; 3];

/// select(2).
pub fn select(call: &mut Call) -> SysResult {
    let at_once = timeout(call, 4, 1000)?;
    wait_for(call, at_once)
}

/// pselect6(2).
pub fn pselect6(call: &mut Call) -> SysResult {
    let at_once = timeout(call, 4, 1)?;
    if call.args[5] != 0 {
        let [mask, size]: [u64; 2] = read_value(call.size(5))?;
        wait_mask(call, mask as usize, size as usize)?;
    }
    wait_for(call, at_once)
}

fn wait_for(call: &mut Call, at_once: bool) -> SysResult {
    let count = usize::try_from(call.int(0))
        .map_err(|_| Errno::EINVAL)?
        .min(SET_BITS);
    let bytes = count.div_ceil(64) * 8;
    let mut wanted: Sets = [[0; WORDS]; 3];
    for (index, set) in wanted.iter_mut().enumerate() {
        read_set(call.size(1 + index), bytes, set)?;
    }
    let mut found = look(call, count, &wanted, None)?;
    if is_empty(&found) && !at_once && !is_over(call) {
        found = look(call, count, &wanted, Some(&Caller::of(call).waiter()))?;
        if is_empty(&found) {
            return Err(Stop::Block);
        }
    }
    for (index, set) in found.iter().enumerate() {
        write_set(call.size(1 + index), bytes, set)?;
    }
    Ok(found
        .iter()
        .flatten()
        .map(|word| word.count_ones() as usize)
        .sum())
}

/// Which of the wanted descriptors are ready. EBADF when one of them is not open.
fn look(
    call: &Call,
    count: usize,
    wanted: &Sets,
    waiter: Option<&Arc<dyn Waiter>>,
) -> Result<Sets, Errno> {
    const KINDS: [u16; 3] = [IN | HUP | ERR, OUT | ERR, 0];
    let mut found: Sets = [[0; WORDS]; 3];
    for fd in 0..count {
        let (word, bit) = (fd / 64, 1 << (fd % 64));
        if wanted.iter().all(|set| set[word] & bit == 0) {
            continue;
        }
        let asked = wanted
            .iter()
            .zip(KINDS)
            .filter(|(set, _)| set[word] & bit != 0);
        let asked = asked.fold(0, |asked, (_, kind)| asked | kind);
        let events = events(&*call.process.files.get(fd as i32)?, asked, waiter);
        for ((found, wanted), kind) in found.iter_mut().zip(wanted).zip(KINDS) {
            if wanted[word] & bit != 0 && events & kind != 0 {
                found[word] |= bit;
            }
        }
    }
    Ok(found)
}

fn is_empty(sets: &Sets) -> bool {
    sets.iter().flatten().all(|&word| word == 0)
}

fn read_set(address: usize, bytes: usize, set: &mut [u64; WORDS]) -> Result<(), Stop> {
    if address == 0 {
        return Ok(());
    }
    for (word, offset) in set.iter_mut().zip((0..bytes).step_by(8)) {
        *word = read_value(address.wrapping_add(offset))?;
    }
    Ok(())
}

fn write_set(address: usize, bytes: usize, set: &[u64; WORDS]) -> Result<(), Stop> {
    if address == 0 {
        return Ok(());
    }
    let out = UserSlice::new(address, bytes)?;
    for (word, offset) in set.iter().zip((0..bytes).step_by(8)) {
        out.skip(offset).write(&word.to_le_bytes())?;
    }
    Ok(())
}
