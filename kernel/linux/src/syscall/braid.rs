//! Braid's own calls, from 4096 on (docs/abi.md). On Linux they answer ENOSYS.

use super::call::{Call, Stop, SysResult};
use super::errno::Errno;
use crate::process::Table;
use crate::process::{Pid, table};
use mem::user::{UserSlice, write_value};
use tori::Torus;
use tori::counters;
use tori::rings::{self, probe};
use torus::TorusId;

/// torus_info: what there is to know about a torus.
pub const TORUS_INFO: u64 = 4096;

/// process_info: what there is to know about a process.
pub const PROCESS_INFO: u64 = 4099;

/// ring_probe: sends and counts probes (docs/abi.md).
pub const RING_PROBE: u64 = 4112;

/// fail_allocation: has an allocation fail, in tests.
pub const FAIL_ALLOCATION: u64 = 4113;

/// Words before the counters in torus_info's answer.
const FIXED: usize = 8;
/// Words after them: frames by use.
const USES: usize = 5;
/// Words of torus_info's answer at most.
const WORDS: usize = 64;

/// torus_info(torus, buffer, bytes): writes 64-bit words, as many as fit, and answers how many there are in all.
/// `torus` is a number or -1 for the caller's own.
pub fn torus_info(call: &mut Call) -> SysResult {
    let own = tori::here();
    let torus = torus_of(call.int(0))?;
    let mut words = [0u64; WORDS];
    words[..FIXED].copy_from_slice(&[
        torus.id.index() as u64,
        tori::count() as u64,
        own.id.index() as u64,
        torus.cores() as u64,
        torus.total(),
        torus.available(),
        torus.part::<Table>().population() as u64,
        0,
    ]);
    let mut count = FIXED;
    for (_, value) in counters::of(torus) {
        words[count] = value;
        count += 1;
    }
    words[FIXED - 1] = (count - FIXED) as u64;
    // All frames are looked at only for those who want to know.
    if call.size(2) / 8 > count {
        words[count..count + USES].copy_from_slice(&torus.frames_by_use());
    }
    write_words(call, &words[..count + USES])
}

/// process_info(pid, buffer, bytes): as torus_info, about a process of the caller's torus; 0 is the caller.
pub fn process_info(call: &mut Call) -> SysResult {
    let process = match call.int(0) {
        0 => call.process.clone(),
        pid => Pid::from_raw(pid)
            .and_then(|pid| table().get(pid))
            .ok_or(Errno::ESRCH)?,
    };
    let space = process.space();
    let memory = space.map_or([0; 6], |space| {
        space.look(|space| {
            [
                space.mapped(),
                space.resident(),
                space.peak(),
                space.swapped(),
                space.table().frames(),
                space.mapping_count() as u64,
            ]
        })
    });
    let mut words = [0; 2 + 6 + 1 + counters::FAULTS];
    words[0] = process.pid.raw() as u64;
    words[1] = tori::here().id.index() as u64;
    words[2..8].copy_from_slice(&memory);
    words[8] = counters::FAULTS as u64;
    for (word, (_, value)) in words[9..].iter_mut().zip(process.counters.all()) {
        *word = value;
    }
    write_words(call, &words)
}

/// Writes as many words as fit to the buffer of argument 1 with the length of argument 2; answers how many there are.
fn write_words(call: &Call, words: &[u64]) -> SysResult {
    let fit = words.len().min(call.size(2) / 8);
    let slice = UserSlice::new(call.size(1), fit * 8)?;
    for (index, word) in words[..fit].iter().enumerate() {
        slice.skip(index * 8).write(&word.to_le_bytes())?;
    }
    Ok(words.len())
}

/// The torus of a number, -1 being the caller's own.
fn torus_of(number: i32) -> Result<&'static Torus, Errno> {
    let own = tori::here();
    match number {
        -1 => Ok(own),
        number => usize::try_from(number)
            .ok()
            .and_then(TorusId::new)
            .and_then(tori::get)
            .ok_or(Errno::EINVAL),
    }
}

/// ring_probe(torus, count, expected, tally): sends up to `count` probes to a torus, waiting for room for the first, and answers
/// how many; with a count of 0, waits until `expected` probes have come from that torus. Unless `tally` is 0, three
/// 64-bit words are written there: probes sent to that torus in all, probes that came from it, and those of them that
/// were wrong.
pub fn ring_probe(call: &mut Call) -> SysResult {
    let other = torus_of(call.int(0))?.id;
    let count = call.size(1);
    if count > 0 && rings::room(other) == 0 && rings::wait_for_room(other) {
        return Err(Stop::Block);
    }
    if call.args[3] != 0 {
        // A page that has to come first has the call run again: before anything is sent.
        write_value(call.size(3), [0u64; 3])?;
    }
    let sent = probe::emit(other, count);
    let expected = if count == 0 { call.args[2] } else { 0 };
    let tally = probe::tally(other, expected).ok_or(Stop::Block)?;
    if call.args[3] != 0 {
        write_value(call.size(3), [tally.sent, tally.received, tally.wrong])?;
    }
    Ok(sent)
}

/// fail_allocation(torus, count, flags): has the kernel's allocation number `count` from now on fail on a torus; 0: none. Flag 1: as
/// if memory were short. Answers how many were still to come before the one that was asked for last.
pub fn fail_allocation(call: &mut Call) -> SysResult {
    let torus = torus_of(call.int(0))?;
    let left = torus.fail(call.args[1], call.args[2] & 1 != 0);
    Ok(left.ok_or(Errno::ENOSYS)? as usize)
}
