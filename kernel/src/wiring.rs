//! Upcalls: what a layer needs of those above it, by the names that it declares.
//!
//! | declared in | name | bound to |
//! | --- | --- | --- |
//! | `sync` | `sync_relax`, `sync_raise` | `machine::shootdown`, `machine::trap` |
//! | `machine::above` | `above_syscall`, `above_exception`, `above_interrupt` | `linux::traps` |
//! | | `above_next` | `sched` |
//! | | `above_doorbell` | `rings` |
//! | | `above_quick` | `linux::traps` |
//! | `sync` | `sync_step`, `sync_yield` | `machine::cpu` |
//! | | `sync_waiter` | `sched` |
//! | `tori::above` | `tori_is_low` | `mem::reclaim` |
//! | | `tori_sharers`, `tori_show`, `tori_slots` | `mem` |
//! | | `tori_is_closed`, `tori_heap_grew` | `linux::upcalls` |
//! | | `tori_goes_on` | `sched` |
//! | | `tori_deliver` | `deliver` |
//! | | `tori_find` | `travel::checked` |
//! | `mem::above` | `mem_find_victim`, `mem_touch`, `mem_write` | `linux::upcalls` |
//! | | `mem_count_pages`, `mem_has_room`, `mem_may_grow` | `linux::upcalls` |
//!
//! What the scheduler needs of threads is the trait `sched::Owner`, which `linux` implements; what `travel` needs of processes `travel::above`.
//!
//! Each has the type that is declared (K39): nothing checks that but reading the two side by side.

use crate::deliver;
use alloc::sync::Arc;
use fallible::NoMemory;
use linux::Task;
use linux::{traps, upcalls};
use machine::regs::UserRegs;
use machine::{Exception, Interrupt, QuickTable};
use mem::OfTorus as _;
use mem::above::Verdict;
use mem::reclaim::Reclaim;
use mem::swap::Swap;
use mem::user::{UserError, UserSlice};
use sync::Waiter;
use tori::{Torus, rings};
use torus::TorusId;
use torus::pid::Pid;
use torus::ring::Line;
#[cfg(feature = "checked")]
use vm::addr::Frame;
use vm::frames::{Owner, Sharers};
use vm::swap::SlotTable;

// SAFETY: K39.
#[unsafe(no_mangle)]
fn above_syscall() {
    traps::syscall();
}

// SAFETY: K39.
#[unsafe(no_mangle)]
fn above_exception(exception: Exception) {
    traps::exception(exception);
}

// SAFETY: K39.
#[unsafe(no_mangle)]
fn above_interrupt(interrupt: Interrupt, from_user: bool) {
    traps::interrupt(interrupt, from_user);
}

// SAFETY: K39.
#[unsafe(no_mangle)]
fn above_doorbell() {
    rings::on_doorbell();
}

// SAFETY: K39.
#[unsafe(no_mangle)]
unsafe fn above_next() -> *mut UserRegs {
    // SAFETY: K20, by the caller's promise.
    unsafe { sched::next_thread::<Task>() }
}

// SAFETY: K39.
#[unsafe(no_mangle)]
static above_quick: QuickTable = traps::QUICK;

// SAFETY: K39.
#[unsafe(no_mangle)]
fn sync_waiter() -> Arc<dyn Waiter> {
    sched::waiter::<Task>()
}

// SAFETY: K39.
#[unsafe(no_mangle)]
fn tori_is_low(torus: &Torus) {
    torus.part::<Reclaim>().ask();
}

// SAFETY: K39.
#[unsafe(no_mangle)]
fn tori_is_closed(torus: &Torus) -> bool {
    upcalls::is_closed(torus)
}

// SAFETY: K39.
#[unsafe(no_mangle)]
fn tori_heap_grew(frames: i64) {
    upcalls::heap_grew(frames);
}

// SAFETY: K39.
#[unsafe(no_mangle)]
fn tori_sharers(torus: &Torus, slot: u64) -> Sharers {
    torus.kept().page_cache.sharers(slot)
}

// SAFETY: K39.
#[unsafe(no_mangle)]
fn tori_show(torus: &Torus, object: Owner, lineage: Owner) -> Result<(), NoMemory> {
    torus.kept().shown.lock().add(object, lineage)
}

// SAFETY: K39.
#[unsafe(no_mangle)]
fn tori_slots(torus: &Torus) -> Option<&SlotTable<'_>> {
    torus.kept().swap().map(Swap::slots)
}

// SAFETY: K39.
#[unsafe(no_mangle)]
fn mem_find_victim(torus: &Torus, asker: Option<Pid>) -> Verdict {
    upcalls::find_victim(torus, asker)
}

// SAFETY: K39.
#[unsafe(no_mangle)]
fn mem_touch(address: usize, write: bool, again: &mut u32) -> Result<(), UserError> {
    upcalls::touch(address, write, again)
}

// SAFETY: K39.
#[unsafe(no_mangle)]
fn mem_write(place: &UserSlice, from: &[u8]) -> Result<(), UserError> {
    upcalls::write(place, from)
}

// SAFETY: K39.
#[unsafe(no_mangle)]
fn mem_count_pages(pages: i64) {
    upcalls::count_pages(pages);
}

// SAFETY: K39.
#[unsafe(no_mangle)]
fn mem_has_room() -> bool {
    upcalls::has_room()
}

// SAFETY: K39.
#[unsafe(no_mangle)]
fn mem_may_grow() -> bool {
    upcalls::may_grow()
}

// SAFETY: K39.
#[unsafe(no_mangle)]
fn tori_goes_on() {
    sched::wake_idle();
}

// SAFETY: K39.
#[unsafe(no_mangle)]
fn tori_deliver(from: TorusId, line: &Line) {
    deliver::deliver(from, line);
}

// SAFETY: K39.
#[cfg(feature = "checked")]
#[unsafe(no_mangle)]
fn tori_find(torus: &Torus, frame: Frame) {
    travel::checked::find(torus, frame);
}
