//! fork(2), vfork(2), and clone(2) as one of the two.

use super::charge::Charge;
use super::limits::{INFINITY, NPROC};
use super::oom::Oom;
use super::parts::Parts;
use super::personality::Personality;
use super::table::Kinship;
use super::{Current, Pid, Process, Thread, table, timers, users};
use crate::file::context::HasFiles as _;
use crate::moving::depart;
use crate::process::thread::{Task, give_space};
use crate::syscall::call::{Call, InFlight, Stop, SysResult};
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use machine::fpu;
use machine::segment::Segments;
use mem::user::{USER_END, write_value};
use sync::Lock;
use tori::counters;
use travel::migrated::is_born;

const CLONE_VM: u64 = 0x100;
const CLONE_VFORK: u64 = 0x4000;
const CLONE_PARENT: u64 = 0x8000;
const CLONE_THREAD: u64 = 0x1_0000;
const CLONE_SETTLS: u64 = 0x8_0000;
const CLONE_PARENT_SETTID: u64 = 0x10_0000;
const CLONE_CHILD_CLEARTID: u64 = 0x20_0000;
const CLONE_CHILD_SETTID: u64 = 0x100_0000;
/// Namespaces (NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET), and sharing other than of memory.
const CLONE_NEW: u64 = 0x7e02_0080;

/// What clone is asked for.
#[derive(Clone, Copy, Default)]
struct Request {
    flags: u64,
    stack: u64,
    parent_tid: u64,
    child_tid: u64,
    tls: u64,
}

/// fork(2).
pub fn fork(call: &mut Call) -> SysResult {
    clone_process(call, Request::default())
}

/// vfork(2).
pub fn vfork(call: &mut Call) -> SysResult {
    clone_process(
        call,
        Request {
            flags: CLONE_VM | CLONE_VFORK,
            ..Request::default()
        },
    )
}

/// clone(2), where it makes a process: threads are not there yet.
pub fn clone(call: &mut Call) -> SysResult {
    let [flags, stack, parent_tid, child_tid, tls, _] = call.args;
    if flags & CLONE_NEW != 0 || flags & CLONE_SETTLS != 0 && tls >= USER_END as u64 {
        return Err(Errno::EPERM.into());
    }
    if flags & CLONE_THREAD != 0 || flags & (CLONE_VM | CLONE_VFORK) == CLONE_VM {
        call.process
            .log(log::Level::Warn, "threads are not there yet");
        return Err(Errno::ENOSYS.into());
    }
    let me = call.process.pid;
    // The first process has no parent, or one that is not told.
    if flags & CLONE_PARENT != 0 && (me == Pid::INIT || table().parent_of(me).is_none()) {
        return Err(Errno::EINVAL.into());
    }
    clone_process(
        call,
        Request {
            flags,
            stack,
            parent_tid,
            child_tid,
            tls,
        },
    )
}

fn clone_process(call: &mut Call, request: Request) -> SysResult {
    let forking = call.process.forking.lock().take();
    if let Some((child, thread)) = forking {
        return begin(call, &request, child, thread);
    }
    // A fork that has waited for homes may be short of memory then, and begins again.
    if call.inflight.word != 0 {
        return wait_for_vfork(call);
    }
    let child = new_process(call.process)?;
    match new_thread(call.thread, &child, &request) {
        Ok(thread) => begin(call, &request, child, thread),
        Err(errno) => {
            table().unborn(child.pid);
            Err(errno.into())
        }
    }
}

/// Has the child begin, once it has all that it shares with its parent at other tori.
fn begin(
    call: &mut Call,
    request: &Request,
    child: Arc<Process>,
    thread: Arc<Thread>,
) -> SysResult {
    let born = child.space().map_or(Some(true), |space| {
        is_born(&space).or_else(|| {
            space.waiters.enrol();
            is_born(&space)
        })
    });
    match born {
        Some(true) => {}
        Some(false) => {
            table().unborn(child.pid);
            return Err(Errno::ENOMEM.into());
        }
        None => {
            *call.process.forking.lock() = Some((child, thread));
            return Err(Stop::Answer);
        }
    }
    if let Err(errno) = enter(call, &child, &thread, request) {
        table().unborn(child.pid);
        return Err(errno.into());
    }
    let pid = child.pid.raw() as usize;
    if request.flags & CLONE_PARENT_SETTID != 0 {
        // As on Linux a bad address is no reason to undo the fork.
        let _ = write_value(request.parent_tid as usize, child.pid.raw());
    }
    counters::own().forks.add(1);
    thread.wake();
    if request.flags & CLONE_VFORK != 0 {
        call.inflight.word = pid as u64;
        return Err(Stop::Answer);
    }
    Ok(pid)
}

/// Gives the child its thread and enters it in the table; it does not run yet.
fn enter(
    call: &Call,
    child: &Arc<Process>,
    thread: &Arc<Thread>,
    request: &Request,
) -> Result<(), Errno> {
    if request.flags & CLONE_VFORK != 0 {
        *child.vfork_parent.lock() = Some(Arc::clone(call.thread));
    }
    child.set_thread(Some(thread.clone()));
    let me = call.process.pid;
    let kinship = if request.flags & CLONE_PARENT != 0 {
        Kinship::SiblingOf(me)
    } else {
        Kinship::ChildOf(me)
    };
    let inserted = table().insert(child.clone(), kinship);
    if inserted.is_err() {
        child.set_thread(None);
        *child.vfork_parent.lock() = None;
    }
    inserted
}

/// The process ends while a child of it waits to begin: there is no child.
pub fn abandon(process: &Process) {
    let forking = process.forking.lock().take();
    if let Some((child, _)) = forking {
        table().unborn(child.pid);
    }
}

/// Goes on once the child, whose number is the call's word, has a program of its own, or has ended.
fn wait_for_vfork(call: &Call) -> SysResult {
    let pid = call.inflight.word as i32;
    let child = Pid::from_raw(pid).and_then(|pid| table().get(pid));
    if child.is_some_and(|child| child.vfork_parent.lock().is_some()) {
        return Err(Stop::Answer);
    }
    let word = call.thread.word_to_clear.swap(0, Ordering::Acquire) as usize;
    // As on Linux a bad address is the program's loss.
    if word != 0 && write_value(word, 0u32).is_ok() {
        crate::syscall::futex::wake_one(call.thread, word);
    }
    Ok(pid as usize)
}

/// A process with copies of everything that a fork copies.
fn new_process(parent: &Arc<Process>) -> Result<Arc<Process>, Errno> {
    let limits = *parent.limits.lock();
    let credentials = *parent.credentials.lock();
    let user = credentials.user.real;
    let counted = users::enter(user);
    let limit = limits.current(NPROC);
    let bound = user != 0 && !credentials.is_privileged() && limit != INFINITY;
    if !users::fits(parent.pid) || bound && users::count(user) > limit {
        return Err(Errno::EAGAIN);
    }
    let pid = table().new_pid()?;
    let made = copy(parent, pid, counted);
    if made.is_err() {
        table().unborn(pid);
    }
    made
}

/// The child, with copies of what its parent has.
fn copy(parent: &Arc<Process>, pid: Pid, counted: Charge) -> Result<Arc<Process>, Errno> {
    let parts = Parts::new(parent.files().fork(pid)?, depart::Part::default())?;
    let child = fallible::arc_with(|| {
        let mut child = Process::new(pid, parts);
        child.name = Lock::new(*parent.name.lock());
        child.command = Lock::new(parent.command.lock().clone());
        child.credentials = Lock::new(*parent.credentials.lock());
        child.counted = Lock::new(Some(counted));
        child.limits = Lock::new(*parent.limits.lock());
        child.oom = Oom::of(parent.oom.words());
        child.core_filter = AtomicU32::new(parent.core_filter.load(Ordering::Relaxed));
        child.without_terminal = copy_of(&parent.without_terminal);
        child.beyond_limit = copy_of(&parent.beyond_limit);
        child.personality = Personality::new(parent.personality.bits());
        child.actions = Lock::new(parent.actions.lock().clone());
        child
    })?;
    timers::renew(&child);
    // As on Linux a fork that the limit admits settles it for the parent, and only for that.
    parent.beyond_limit.store(false, Ordering::Relaxed);
    Ok(child)
}

fn copy_of(flag: &AtomicBool) -> AtomicBool {
    AtomicBool::new(flag.load(Ordering::Relaxed))
}

/// The child's thread: it returns 0 from the same call.
fn new_thread(
    parent: &Current,
    child: &Arc<Process>,
    request: &Request,
) -> Result<Arc<Thread>, Errno> {
    let vfork = request.flags & CLONE_VM != 0;
    let old = parent.own().space().ok_or(Errno::ENOMEM)?;
    let state = parent.fpu().with(|state| {
        fpu::save(state);
        state.duplicate()
    });
    let space = if vfork { old } else { old.fork(child.pid)? };
    let mut regs = parent.regs();
    regs.rax = 0;
    if request.stack != 0 {
        regs.rsp = request.stack;
    }
    let names_itself = request.flags & CLONE_CHILD_SETTID != 0;
    if names_itself {
        // The word lies in the child's memory: its first act is a call that writes it.
        regs.code = BIRTH;
    }
    let mut segments = Segments::save();
    if request.flags & CLONE_SETTLS != 0 {
        segments = segments.with_fs(request.tls);
    }
    let state = state.ok_or(Errno::ENOMEM)?;
    let thread = fallible::arc_with(|| {
        let mut thread = Thread::new(Task::new(child.clone()), regs, state);
        give_space(&mut thread, space);
        thread.set_segments(segments);
        let own = thread.own_mut();
        own.altstack.set(parent.own().altstack.get());
        if request.flags & CLONE_CHILD_CLEARTID != 0 {
            own.clear_child_tid.set(request.child_tid);
        }
        let first = names_itself.then_some(InFlight::internal(request.child_tid));
        own.in_flight.set(first);
        thread
    })?;
    let (policy, nice) = parent.policy().inherited(parent.nice());
    thread.set_policy(policy);
    thread.set_nice(nice);
    thread.signals.set_mask(parent.signals.mask());
    thread.stand_by_current();
    Ok(thread)
}

/// The number of the call that a child runs before its first instruction; no program can make it, as a program's call
/// begins with nothing in flight.
pub const BIRTH: u64 = u64::MAX;

/// A child's first act: its number goes where clone was told to put it.
pub fn birth(call: &mut Call) -> SysResult {
    if call.inflight.runs == 0 {
        return crate::syscall::unknown::answer(call, BIRTH);
    }
    // As on Linux a bad address is the child's loss.
    let _ = write_value(call.inflight.word as usize, call.process.pid.raw());
    Ok(0)
}
