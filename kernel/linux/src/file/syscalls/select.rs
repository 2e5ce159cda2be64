//! select and pselect6.

use super::super::service::poll::{ERR, HUP, IN, OUT};
use super::poll::{tell_left, timeout, wait_mask};
use super::watch::{Watched, watch};
use crate::file::context::HasFiles as _;
use crate::syscall::call::{Call, Stop, SysResult, TimeLeft};
use crate::syscall::errno::Errno;
use braid_files::chunks::Chunks;
use braid_time::Nanos;
use mem::user::{UserSlice, read_value};
use tori::pieces;

/// Descriptors that a set has (FD_SETSIZE).
const SET_BITS: usize = 1024;
const WORDS: usize = SET_BITS / 64;

/// What makes a descriptor readable, writable, exceptional.
const KINDS: [u16; 3] = [IN | HUP | ERR, OUT | ERR, 0];

/// Three sets: readable, writable, exceptional.
type Sets = [[u64; WORDS]; 3];

/// select(2).
pub fn select(call: &mut Call) -> SysResult {
    timeout(call, 4, Nanos::from_loose_timeval, TimeLeft::Timeval)?;
    let result = wait_for(call);
    tell_left(call, result)
}

/// pselect6(2).
pub fn pselect6(call: &mut Call) -> SysResult {
    timeout(call, 4, Nanos::from_timespec, TimeLeft::Timespec)?;
    if call.args[5] != 0 {
        let [mask, size]: [u64; 2] = read_value(call.size(5))?;
        wait_mask(call, mask as usize, size as usize)?;
    }
    let result = wait_for(call);
    tell_left(call, result)
}

fn wait_for(call: &mut Call) -> SysResult {
    let count = usize::try_from(call.int(0))
        .map_err(|_| Errno::EINVAL)?
        .min(SET_BITS);
    let bytes = count.div_ceil(64) * 8;
    let mut wanted: Sets = [[0; WORDS]; 3];
    for (index, set) in wanted.iter_mut().enumerate() {
        read_set(call.size(1 + index), bytes, set)?;
    }
    let mut watched = Chunks::new();
    for fd in 0..count {
        pieces::step();
        let (word, bit) = (fd / 64, 1 << (fd % 64));
        let kinds = wanted.iter().zip(KINDS);
        let events = kinds
            .filter(|(set, _)| set[word] & bit != 0)
            .fold(None, |events, (_, kind)| Some(events.unwrap_or(0) | kind));
        let Some(events) = events else { continue };
        let file = call.process.files().get_for_use(fd as i32)?;
        watched.push(Watched::new(fd as i32, file, events))?;
    }
    watch(call, &mut watched)?;
    let mut found: Sets = [[0; WORDS]; 3];
    for entry in watched.iter() {
        pieces::step();
        let (word, bit) = (entry.fd as usize / 64, 1 << (entry.fd % 64));
        for ((found, wanted), kind) in found.iter_mut().zip(&wanted).zip(KINDS) {
            if wanted[word] & bit != 0 && entry.found & kind != 0 {
                found[word] |= bit;
            }
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
