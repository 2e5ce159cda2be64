//! Page faults of programs, and of the kernel on their behalf: what becomes of them when memory has no answer.

use super::{deferred, room};
use crate::process::stuck;
use crate::process::thread::Fault;
use crate::process::{Current, Thread};
use crate::signal;
use braid_signals::Signal;
use braid_signals::info::{BUS_ADRERR, SEGV_ACCERR, SEGV_MAPERR, SigInfo};
use core::fmt;
use machine::{PageFaultErrorCode, cpu};
use mem::fault::Outcome;
use mem::reclaim::Room;
use mem::space::VmSpace;
use mem::user::{USER_END, UserError};
use vm::addr::{PageRange, VirtAddr};
use vm::fault::{Access, Refusal};
use vm::table::Rights;

/// A page fault of the running program.
pub fn of_program(thread: &Current, address: u64, code: u64) {
    let access = match PageFaultErrorCode::from_bits_retain(code) {
        code if code.contains(PageFaultErrorCode::INSTRUCTION_FETCH) => Access::Execute,
        code if code.contains(PageFaultErrorCode::CAUSED_BY_WRITE) => Access::Write,
        _ => Access::Read,
    };
    match on(thread, VirtAddr(address), access) {
        Outcome::Resolved => {}
        Outcome::Present if stuck::faulted_again(thread, address, code) => {
            punish(thread, address, code, access, Outcome::Present);
        }
        Outcome::Present => {}
        Outcome::Wait => deferred::wait(thread),
        outcome => punish(thread, address, code, access, outcome),
    }
}

/// Resolves an access of the current thread, with room made for it where there was none.
#[inline]
fn on(thread: &Current, address: VirtAddr, access: Access) -> Outcome {
    loop {
        let outcome = thread.own().space.with(|space| match space {
            Some(space) => space.fault(address, access, &thread.process.counters),
            None => Outcome::Refused(Refusal::NotMapped),
        });
        if outcome == Outcome::Resolved {
            room::satisfied(thread);
        }
        if outcome != Outcome::NoMemory {
            return outcome;
        }
        match room::make(thread) {
            Room::Made => {}
            Room::Wait => return Outcome::Wait,
            Room::None => return Outcome::NoMemory,
        }
    }
}

/// An access of the kernel's on behalf of the program, through the door. EFAULT when the program may not, there is nothing
/// there, or `again` says that the entry was right too often already.
pub fn of_kernel(address: usize, write: bool, again: &mut u32) -> Result<(), UserError> {
    cpu::let_interrupts_in();
    let access = if write { Access::Write } else { Access::Read };
    let outcome = Thread::with_current(|thread| on(thread, VirtAddr(address as u64), access));
    match outcome {
        Outcome::Resolved => Ok(()),
        Outcome::Present if *again < stuck::TRUSTED => {
            *again += 1;
            Ok(())
        }
        Outcome::Wait => Err(UserError::Wait),
        Outcome::NoMemory => Err(UserError::NoMemory),
        Outcome::Refused(_) | Outcome::Bus | Outcome::Lost | Outcome::Present => {
            Err(UserError::BadAddress)
        }
    }
}

/// The signal for an access that cannot be resolved.
#[cold]
fn punish(thread: &Current, address: u64, code: u64, access: Access, outcome: Outcome) {
    if outcome == Outcome::NoMemory {
        let label = thread.process.label();
        log::error!("{label}: killed: no memory for the page at {address:#x}");
        signal::send(&thread.process, Signal::KILL);
        return;
    }
    // Programs are not to know what the kernel's half looks like (Linux's sanitize_error_code).
    let hidden = if address >= USER_END as u64 {
        PageFaultErrorCode::PROTECTION_VIOLATION.bits()
    } else {
        0
    };
    thread.own().fault.set(Fault {
        vector: 14,
        code: code | hidden,
        address,
    });
    let (signal, why) = match outcome {
        Outcome::Bus | Outcome::Lost => (Signal::BUS, BUS_ADRERR),
        Outcome::Refused(Refusal::Forbidden(_)) | Outcome::Present => (Signal::SEGV, SEGV_ACCERR),
        _ => (Signal::SEGV, SEGV_MAPERR),
    };
    // A fault that the program handles itself is its own affair.
    if !signal::is_caught(thread, signal) {
        tell(thread, address, access, outcome);
    }
    signal::force(thread, SigInfo::fault(signal, why, address));
}

/// Says what was touched.
fn tell(thread: &Current, address: u64, access: Access, outcome: Outcome) {
    let rip = thread.regs().rip;
    let mapping = thread.own().space.with(|space| match space {
        Some(space) => space.look(|space| Touched::of(space, address)),
        None => Touched::Nothing,
    });
    let why = match outcome {
        Outcome::Lost => "lost by the swap disk",
        Outcome::Present => "faults again and again",
        _ => "refused",
    };
    let text = format_args!("{access:?} of {address:#x} at {rip:#x} {why}: {mapping}");
    thread.process.log(log::Level::Info, text);
}

/// What an access that was refused has touched.
enum Touched {
    Nothing,
    Mapping(PageRange, Rights),
}

impl Touched {
    fn of(space: &VmSpace, address: u64) -> Self {
        let found = space.find(VirtAddr(address));
        found.map_or(Self::Nothing, |mapping| {
            Self::Mapping(mapping.range, mapping.rights)
        })
    }
}

impl fmt::Display for Touched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing is mapped there"),
            Self::Mapping(range, rights) => {
                let (start, end) = (range.start.start().0, range.end.start().0);
                write!(f, "mapping {start:#x}..{end:#x} {rights:?}")
            }
        }
    }
}
