//! What a process is.

use super::alarm::Alarm;
use super::charge::Charge;
use super::command::Command;
use super::limits::Limits;
use super::name::{Label, Name};
use super::oom::Oom;
use super::parts::Parts;
use super::personality::Personality;
use super::thread::Thread;
use super::timers::Timers;
use super::times::Times;
use alloc::sync::{Arc, Weak};
use braid_files::credentials::Credentials;
use braid_files::rate::RateLimit;
use braid_signals::action::Actions;
use core::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use mem::space::Space;
use sync::Lock;
use sync::WaitQueue;
use tori::counters::Counters;
use tori::rings::Places;
use torus::pid::Pid;

/// Private and shared anonymous memory, ELF headers and private huge pages (core(5)).
const CORE_FILTER: u32 = 0x33;

/// A process: what a program has.
pub struct Process {
    /// Its number.
    pub pid: Pid,
    /// What it is called in `ps` and in the log: the last part of the executable's path, at most 15 bytes.
    pub name: Lock<Name>,
    /// What layers above have of it.
    pub(super) parts: Parts,
    /// With what its program was started; unknown before the first one.
    pub command: Lock<Option<Arc<Command>>>,
    /// Users and groups.
    pub credentials: Lock<Credentials>,
    /// Resource limits.
    pub limits: Lock<Limits>,
    /// What of Linux it has asked to be otherwise (personality(2)).
    pub personality: Personality,
    /// What it has arranged for signals.
    pub actions: Lock<Actions>,
    /// Its interval timer.
    pub alarm: Lock<Alarm>,
    /// Processor time.
    pub times: Times,
    /// What happens when it has used so much of that.
    pub timers: Timers,
    /// How much it may make the kernel log.
    noise: Lock<RateLimit>,
    /// Its faults; written by the core that has its thread loaded.
    pub counters: Counters,
    /// It has come from another torus with more pages than there was room for here.
    pub crowds: AtomicBool,
    /// Whether it is to be killed sooner or later than others when memory is out.
    pub oom: Oom,
    /// What a core file of it would have (`/proc/PID/coredump_filter`): told and inherited, as none is written.
    pub core_filter: AtomicU32,
    /// The signal that its parent's end brings it (prctl PR_SET_PDEATHSIG); 0: none.
    pub at_parents_end: AtomicU32,
    /// It has no controlling terminal, whatever its session has (TIOCNOTTY of ioctl_tty(2)).
    pub without_terminal: AtomicBool,
    /// Its user had too many processes when it became that user's: it executes nothing while that is so (execve(2), EAGAIN).
    pub beyond_limit: AtomicBool,
    /// Woken when a child changes state.
    pub children_changed: WaitQueue,
    /// Its being counted as its user's, while it lives here: of the user that it has when it begins to.
    pub(super) counted: Lock<Option<Charge>>,
    /// When it was made or arrived here, in nanoseconds since boot.
    since: u64,
    /// Frames that the kernel's heap has grown by in its calls, less those that it has given back in them.
    heap_frames: AtomicI64,
    /// The space of its thread, for those who look at it from outside: changed with that one ([`thread::change_space`]) alone.
    pub(super) memory: Lock<Weak<Space>>,
    /// A child that waits for other tori before it begins.
    pub(super) forking: Lock<Option<(Arc<Process>, Arc<Thread>)>>,
    /// The parent that vfork holds back until this process has a program of its own, or has ended.
    pub(super) vfork_parent: Lock<Option<Arc<Thread>>>,
    /// For what others are told of it while it is here, when a signal to many has it go on.
    pub(super) places: Lock<Option<Places>>,
    /// Its thread; none any more once it has ended.
    pub(super) thread: Lock<Option<Arc<Thread>>>,
    /// Job control has stopped it.
    stopped: AtomicBool,
}

impl Process {
    /// Logs something that its program has caused, unless there was much of that; what is not logged is not even formatted.
    #[cold]
    pub fn log(&self, level: log::Level, text: impl core::fmt::Display) {
        let second = machine::time::now().as_secs();
        let Some(refused) = self.noise.lock().admit(second) else {
            return;
        };
        let name = *self.name.lock();
        let (name, pid) = (name.text(), self.pid.raw());
        if refused > 0 {
            log::log!(level, "{name}[{pid}]: {refused} lines were not logged");
        }
        log::log!(level, "{name}[{pid}]: {text}");
    }

    /// A process without a thread, memory or descriptors, everything else at its default.
    pub fn new(pid: Pid, parts: Parts) -> Self {
        Self {
            pid,
            name: Lock::new(Name::default()),
            parts,
            command: Lock::new(None),
            credentials: Lock::new(Credentials::default()),
            counted: Lock::new(None),
            limits: Lock::new(Limits::initial()),
            personality: Personality::new(0),
            actions: Lock::new(Actions::new()),
            alarm: Lock::new(Alarm::default()),
            since: machine::time::now().get(),
            times: Times::default(),
            timers: Timers::new(),
            noise: Lock::new(RateLimit::new()),
            counters: Counters::new(),
            heap_frames: AtomicI64::new(0),
            crowds: AtomicBool::new(false),
            memory: Lock::new(Weak::new()),
            forking: Lock::new(None),
            oom: Oom::new(),
            core_filter: AtomicU32::new(CORE_FILTER),
            at_parents_end: AtomicU32::new(0),
            without_terminal: AtomicBool::new(false),
            beyond_limit: AtomicBool::new(false),
            children_changed: WaitQueue::new(),
            vfork_parent: Lock::new(None),
            places: Lock::new(None),
            thread: Lock::new(None),
            stopped: AtomicBool::new(false),
        }
    }

    /// Its address space; `None` before the first program and after the end.
    pub fn space(&self) -> Option<Arc<Space>> {
        self.space_until_end().upgrade()
    }

    /// As [`Self::space`], for those who do not keep it.
    pub fn space_until_end(&self) -> Weak<Space> {
        self.memory.lock().clone()
    }

    /// Whether its space is that of the parent that vfork holds back.
    pub fn borrows_space(&self) -> bool {
        self.vfork_parent.lock().is_some()
    }

    /// When it was made or arrived here, in nanoseconds since boot.
    pub const fn since(&self) -> u64 {
        self.since
    }

    /// The kernel's heap has grown by so many frames in its calls, or shrunk.
    pub fn charge_heap(&self, frames: i64) {
        self.heap_frames.fetch_add(frames, Ordering::Relaxed);
    }

    /// Frames that the kernel's heap has grown by in its calls; those that it has given back in the calls of others count there.
    pub fn heap_frames(&self) -> u64 {
        self.heap_frames
            .load(Ordering::Relaxed)
            .max(0)
            .cast_unsigned()
    }

    /// Its thread; `None` before the first and after the end.
    pub fn thread(&self) -> Option<Arc<Thread>> {
        self.thread.lock().clone()
    }

    /// Gives it its thread, or takes it away at the end.
    pub fn set_thread(&self, thread: Option<Arc<Thread>>) {
        *self.thread.lock() = thread;
    }

    /// Whether job control has stopped it.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Stops it; whether it ran.
    pub fn stop(&self) -> bool {
        !self.stopped.swap(true, Ordering::AcqRel)
    }

    /// Has it go on; whether it was stopped.
    pub fn go_on(&self) -> bool {
        let stopped = self.stopped.swap(false, Ordering::AcqRel);
        if stopped && let Some(thread) = self.thread() {
            thread.call_attention();
        }
        stopped
    }

    /// How the log names it.
    pub fn label(&self) -> Label {
        Label(*self.name.lock(), self.pid)
    }
}
