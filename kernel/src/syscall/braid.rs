//! Braid's own calls, from 4096 on (docs/abi.md). On Linux they answer ENOSYS.

use super::call::{Call, SysResult};
use super::errno::Errno;
use crate::arch::cpu;
use crate::mem::user::UserSlice;
use crate::process::counters;
use crate::tori;

/// torus_info: what there is to know about a torus.
pub const TORUS_INFO: u64 = 4096;

/// Words before the counters in torus_info's answer.
const FIXED: usize = 8;
/// Words of torus_info's answer at most.
const WORDS: usize = 64;

/// torus_info(torus, buffer, bytes): writes 64-bit words, as many as fit, and answers how many there are in all.
/// `torus` is a number or -1 for the caller's own.
pub fn torus_info(call: &mut Call) -> SysResult {
    let own = cpu::this().torus();
    let torus = match call.int(0) {
        -1 => own,
        number => tori::all()
            .find(|torus| torus.id.index() as i64 == i64::from(number))
            .ok_or(Errno::EINVAL)?,
    };
    let mut words = [0u64; WORDS];
    words[..FIXED].copy_from_slice(&[
        torus.id.index() as u64,
        tori::count() as u64,
        own.id.index() as u64,
        torus.cores() as u64,
        torus.total(),
        torus.available(),
        torus.share.processes.len() as u64,
        0,
    ]);
    let mut count = FIXED;
    for (_, value) in counters::of(torus) {
        words[count] = value;
        count += 1;
    }
    words[FIXED - 1] = (count - FIXED) as u64;
    let fit = count.min(call.size(2) / 8);
    let slice = UserSlice::new(call.size(1), fit * 8)?;
    for (index, word) in words[..fit].iter().enumerate() {
        slice.skip(index * 8).write(&word.to_le_bytes())?;
    }
    Ok(count)
}
