//! Upcalls: what a layer needs of those above it, by the names that it declares.
//!
//! | declared in | name | bound to |
//! | --- | --- | --- |
//! | `sync` | `sync_relax`, `sync_raise` | `machine::shootdown`, `machine::trap` |
//! | `machine::above` | `above_syscall`, `above_exception`, `above_interrupt` | `trap` |
//! | | `above_next` | `sched` |
//! | | `above_doorbell` | `rings` |
//! | | `above_quick` | `syscall::quick` |
//!
//! Each has the type that is declared (K39): nothing checks that but reading the two side by side.

use crate::{rings, sched, syscall, trap};
use machine::regs::UserRegs;
use machine::{Exception, Interrupt, QuickTable};

// SAFETY: K39.
#[unsafe(no_mangle)]
fn above_syscall(regs: &mut UserRegs) {
    trap::syscall(regs);
}

// SAFETY: K39.
#[unsafe(no_mangle)]
fn above_exception(regs: &mut UserRegs, exception: Exception) {
    trap::exception(regs, exception);
}

// SAFETY: K39.
#[unsafe(no_mangle)]
fn above_interrupt(interrupt: Interrupt, from_user: bool) {
    trap::interrupt(interrupt, from_user);
}

// SAFETY: K39.
#[unsafe(no_mangle)]
fn above_doorbell() {
    rings::knocked();
}

// SAFETY: K39.
#[unsafe(no_mangle)]
fn above_next() -> *mut UserRegs {
    sched::next_thread()
}

// SAFETY: K39.
#[unsafe(no_mangle)]
static above_quick: QuickTable = syscall::quick::QUICK;
