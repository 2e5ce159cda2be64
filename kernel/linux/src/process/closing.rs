//! The end of the machine: the first process has ended, on whichever torus it was.
//!
//! *Flow.* It has given back what it had, and waits in [`last`]. Every other torus is told (`End`), kills whom it has, and says
//! `Done` when nothing of any process is left there. Then, one after the other, each lets its caches go, compares its
//! frames with those before its first process (`Close`), and says so (`Done`); the torus of the first process last, when that process
//! itself is gone: the core that it ran on ends the machine ([`finish`]).

use super::{Current, Pid, Process, Thread, account, end, table};
use crate::console;
use crate::file::remote;
use crate::moving::depart::HasMoving as _;
use crate::signal;
use crate::syscall::call::{Call, InFlight, Stop, SysResult};
use braid_signals::{SigInfo, Signal};
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use machine::time::Nanos;
use machine::{boot, cpu, time};
use tori::rings;
use torus::TorusId;
use torus::machine::Message;

/// The number of the call in which the first process waits for the others to be gone; no program can make it.
pub const LAST: u64 = u64::MAX - 2;

/// After so many seconds the log says what the end waits for, unless the command line says otherwise.
const PATIENCE: u32 = 10;

/// How far the end has come on a torus.
pub struct Closing {
    /// The first process has ended here.
    begun: AtomicBool,
    /// 1 + number of the torus to tell when nothing is left here; 0: none.
    asked_by: AtomicUsize,
    /// Where the first process was: what it asked other tori for and they have done.
    done: AtomicUsize,
    /// 1 + number within the torus of the core that ends the machine, once nothing is left but that; 0: none.
    ender: AtomicUsize,
    /// The wait status of the first process.
    status: AtomicU32,
}

tori::part!(Closing, 17);

impl Closing {
    /// Not begun.
    pub const fn new() -> Self {
        Self {
            begun: AtomicBool::new(false),
            asked_by: AtomicUsize::new(0),
            done: AtomicUsize::new(0),
            ender: AtomicUsize::new(0),
            status: AtomicU32::new(0),
        }
    }
}

fn own() -> &'static Closing {
    tori::here().part::<Closing>()
}

fn others() -> impl Iterator<Item = TorusId> {
    let own = tori::here().id;
    tori::all()
        .map(|torus| torus.id)
        .filter(move |id| *id != own)
}

/// The first process, which runs this, ends: its thread goes on in [`last`], where nothing ends it once more.
pub fn begin(thread: &Current, status: u32) {
    if own().begun.swap(true, Ordering::Relaxed) {
        return;
    }
    end::give_back(thread);
    kill_all();
    let kill = !boot::info().command_line.every_torus;
    for torus in others() {
        rings::send(torus, Message::End { kill });
    }
    thread.signals.set_mask(u64::MAX);
    thread.signals.discard(u64::MAX);
    thread.change_regs(|regs| regs.code = LAST);
    thread
        .own()
        .in_flight
        .set(Some(InFlight::internal(u64::from(status))));
    thread.wake();
}

/// Nobody is born here any more, and who lives is killed.
fn kill_all() {
    while !table().with(|families, effects| families.begin_end(effects)) {
        rings::breathe();
    }
    let mut last = None;
    while let Some(process) = table().next_living(last) {
        last = Some(process.pid);
        if process.pid != Pid::INIT {
            signal::send_info(&process, SigInfo::kernel(Signal::KILL));
        }
        cpu::let_interrupts_in();
    }
}

/// The first process has ended on another torus, which wants to know when nothing is left here.
pub fn end(at: TorusId, kill: bool) {
    if kill {
        kill_all();
    }
    own().asked_by.store(at.index() + 1, Ordering::Relaxed);
    look();
}

/// Says so if nothing is left here: to the first process, if it waits here, and to the torus that has asked. Called whenever that may
/// have become true.
pub fn look() {
    table().emptied.wake_all();
    let asked_by = &own().asked_by;
    if asked_by.load(Ordering::Relaxed) == 0 || !is_quiet() {
        return;
    }
    // Processes that lived until now may have ended by themselves: nobody comes here any more either. The first one is elsewhere.
    let _ = table().with(|families, effects| families.begin_end(effects));
    let at = asked_by.swap(0, Ordering::Relaxed).checked_sub(1);
    if let Some(at) = at.and_then(TorusId::new) {
        rings::send(at, Message::Done {});
    }
}

/// Whether nothing of any process is here, or only the first one that waits for it, and no other torus has a file of this one.
fn is_quiet() -> bool {
    let files = tori::here().part::<remote::RemoteFiles>();
    files.is_quiet()
        && travel::is_quiet()
        && table().population() == usize::from(table().get(Pid::INIT).is_some())
}

/// Another torus has done what was asked of it last.
pub fn done() {
    own().done.fetch_add(1, Ordering::Relaxed);
    table().emptied.wake_all();
}

/// The end takes long: says in the log who is left here, and what else it waits for.
pub fn tell() {
    let torus = tori::here();
    let here = torus.id;
    for process in &table().all() {
        let who = process.label();
        let to = process.moving().lock().to.map(TorusId::index);
        match process.thread().map(|thread| thread.state()) {
            None => log::warn!("torus {here} still waits for {who}, which has ended"),
            Some(state) => log::warn!("torus {here} still waits for {who}: {state:?}, to {to:?}"),
        }
    }
    if !travel::is_quiet() {
        log::warn!("torus {here} still has memory of processes elsewhere, or lends some");
    }
    if rings::is_choked() {
        log::warn!("torus {here} still waits for room in the rings");
    }
    if !torus.part::<remote::RemoteFiles>().is_quiet() {
        log::warn!("torus {here} still has files of processes elsewhere");
    }
}

/// Lets caches go and settles this torus's account.
pub fn close(at: TorusId) {
    account::check();
    rings::send(at, Message::Done {});
}

/// Waits for all other processes to be gone and all other accounts to be settled, then has this core end the machine.
pub fn last(call: &mut Call) -> SysResult {
    if call.inflight.runs == 0 {
        return crate::syscall::unknown::answer(call, LAST);
    }
    table().emptied.enrol();
    grow_impatient(call)?;
    let done = own().done.load(Ordering::Relaxed);
    // First all tori together, then each in turn.
    let Some(closed) = done.checked_sub(others().count()).filter(|_| is_quiet()) else {
        return Err(Stop::Answer);
    };
    if let Some(next) = others().nth(closed) {
        // `done` bytes: those that were told.
        if call.inflight.done == closed {
            call.inflight.done += 1;
            rings::send(next, Message::Close {});
        }
        return Err(Stop::Answer);
    }
    retire(call.thread, call.process);
    let own = own();
    own.status
        .store(call.inflight.word as u32, Ordering::Relaxed);
    own.ender
        .store(cpu::this().core_in_torus + 1, Ordering::Relaxed);
    Ok(0)
}

/// Settles the last account and ends the machine, if that is for this core to do; called when it has nothing else to do, and so has let
/// go of the first process.
pub fn finish() {
    let own = own();
    if own.ender.load(Ordering::Relaxed) == cpu::this().core_in_torus + 1 {
        account::check();
        console::exit(own.status.load(Ordering::Relaxed));
    }
}

/// When the killed take long to end, has every torus say once what it waits for.
fn grow_impatient(call: &mut Call) -> Result<(), Stop> {
    let line = &boot::info().command_line;
    let patience = Nanos::from_secs(line.patience.unwrap_or(PATIENCE).into());
    call.set_deadline(|_| Ok((!line.every_torus).then(|| time::now() + patience)))?;
    if call.inflight.is_over() {
        call.inflight.deadline = None;
        tell();
        others().for_each(|torus| rings::send(torus, Message::Linger {}));
    }
    Ok(())
}

fn retire(thread: &Current, process: &Process) {
    thread.cancel_deadline();
    Thread::leave_current();
    thread.end();
    process.set_thread(None);
    table().remove_init();
}
