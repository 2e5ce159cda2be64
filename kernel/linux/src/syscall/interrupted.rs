//! What becomes of a waiting call when a signal handler runs: the table says how it may be interrupted, and
//! [`braid_threads::interruption`] what follows.

use super::call::InFlight;
use super::errno::Errno;
use crate::process::time::write_left;
use braid_threads::interruption::Settled;
use machine::regs::UserRegs;

/// Settles the result of an interrupted call: the bytes it has moved, EINTR, or the call again after the handler.
pub fn settle(regs: &mut UserRegs, call: &InFlight, settled: Settled) {
    match settled {
        Settled::Moved(bytes) => regs.rax = bytes as u64,
        Settled::Fails => {
            regs.rax = write_left(call).unwrap_or(Errno::EINTR).as_return();
        }
        Settled::Again => {
            regs.rax = regs.code;
            // Back over the two bytes of `syscall`.
            regs.rip = regs.rip.wrapping_sub(2);
        }
    }
}
