//! What becomes of a waiting call when a signal handler runs (signal(7), "Interruption of system calls").

use super::call::InFlight;
use super::errno::Errno;
use crate::arch::regs::UserRegs;
use crate::process::Thread;
use crate::sched::timer::Due;
use alloc::sync::Arc;

/// Calls that fail with EINTR even when the handler was set with SA_RESTART: poll, select, nanosleep, pause,
/// rt_sigsuspend, rt_sigtimedwait, clock_nanosleep, epoll_wait, pselect6, ppoll, epoll_pwait.
const NEVER_RESTARTED: [u64; 11] = [7, 23, 35, 34, 130, 128, 230, 232, 270, 271, 281];

/// Settles the result of an interrupted call: the bytes it has moved, EINTR, or the call again after the handler.
pub fn settle(regs: &mut UserRegs, call: &InFlight, restart: bool) {
    if call.done > 0 {
        regs.rax = call.done as u64;
    } else if restart && !NEVER_RESTARTED.contains(&regs.code) {
        regs.rax = regs.code;
        // Back over the two bytes of `syscall`.
        regs.rip -= 2;
    } else {
        if call.remainder != 0 {
            crate::process::time::write_remainder(call.remainder, call.deadline);
        }
        regs.rax = Errno::EINTR.as_return();
    }
}

/// The call waits no longer: its timer goes.
pub fn cancel_timer(thread: &Arc<Thread>) {
    if let Some((core, _)) = thread.timer.replace(None) {
        crate::sched::wake::cancel_timer(&Due::Wake(thread.clone()), core);
    }
}
