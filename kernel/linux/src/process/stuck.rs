//! Access faults that repeat although the entry is right.
//!
//! The processor may remember less than the page tables allow, and then faults once more: it forgets, and the instruction runs.
//! An instruction that faults for ever all the same (an access that the processor makes as the kernel and not as the program, an
//! erratum) ends in a signal. Whether it has got any further nobody but the processor knows: after some faults at one
//! place the instruction is made a single step, and a debug exception clears it of suspicion.

use crate::process::Current;
use machine::regs::{TRAP_FLAG, UserRegs};

/// Faults at one place that are taken for forgetfulness.
pub const TRUSTED: u32 = 8;
/// Further ones, of an instruction that does not complete, before it is given up.
const PATIENCE: u32 = 8;

/// What a thread's last fault of this kind was.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stuck {
    /// Instruction, address and error code.
    place: [u64; 3],
    /// How often in a row, other faults apart.
    times: u32,
    /// The instruction is made a single step; whether the program had asked for that itself.
    stepping: Option<bool>,
}

/// The running thread's access faulted although its entry is right. True when there is no hope.
#[cold]
pub fn faulted_again(thread: &Current, address: u64, code: u64) -> bool {
    let mut stuck = thread.own().stuck.get();
    let hopeless = thread.change_regs(|regs| stuck.fault(regs, address, code));
    thread
        .own()
        .stuck
        .set(if hopeless { Stuck::default() } else { stuck });
    hopeless
}

impl Stuck {
    /// The instruction has faulted once more. True when there is no hope.
    fn fault(&mut self, regs: &mut UserRegs, address: u64, code: u64) -> bool {
        let place = [regs.rip, address, code];
        if place != self.place {
            self.place = place;
            self.times = 0;
        }
        self.times += 1;
        if self.times > TRUSTED && self.stepping.is_none() {
            self.stepping = Some(regs.rflags & TRAP_FLAG != 0);
            regs.rflags |= TRAP_FLAG;
        }
        let hopeless = self.times > TRUSTED + PATIENCE;
        if hopeless && self.stepping == Some(false) {
            regs.rflags &= !TRAP_FLAG;
        }
        hopeless
    }
}

/// The running thread has completed an instruction as a single step. True when that is not for its program to know.
pub fn has_stepped(thread: &Current) -> bool {
    let stepping = thread.own().stuck.get().stepping;
    if stepping.is_some() {
        thread.own().stuck.set(Stuck::default());
    }
    if stepping == Some(false) {
        thread.change_regs(|regs| regs.rflags &= !TRAP_FLAG);
    }
    stepping == Some(false)
}
