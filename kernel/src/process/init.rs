//! The first process of a torus: how it begins, and how its end is the machine's.

use super::exec::args::Strings;
use super::exec::{self, Request};
use super::limits::Limits;
use super::{Process, Thread, end, errand, table};
use crate::arch::fpu::FpuState;
use crate::arch::regs::UserRegs;
use crate::arch::{cpu, time};
use crate::sched::lock::Lock;
use crate::sched::time::Nanos;
use crate::signal::{self, SigInfo, Signal};
use crate::syscall::call::{Call, InFlight, Stop, SysResult};
use crate::syscall::errno::Errno;
use crate::{boot, tori};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

/// The number of the call that the first process runs before it has a program; no program can make it.
pub const FIRST: u64 = u64::MAX - 1;
/// The number of the call in which the first process waits for the others to be gone.
pub const LAST: u64 = u64::MAX - 2;

/// How long the end waits before it looks at the other tori again, in nanoseconds.
const LOOK: u64 = 1_000_000;

/// Starts the first process on this core's torus.
pub fn start() {
    let Some(archive) = boot::info().root_archive else {
        crate::power::refuse("the loader has passed no archive of files");
    };
    if let Err(error) = crate::file::init(archive) {
        crate::power::refuse(alloc::format!("the archive of files: {error}"));
    }
    for torus in tori::all() {
        let at_start = &torus.share.at_start;
        at_start.store(torus.account(), Ordering::Relaxed);
    }
    begin();
    if boot::info().command_line.every_torus {
        let own = cpu::this().torus().id;
        tori::all()
            .filter(|torus| torus.id != own)
            .for_each(errand::start);
    }
}

/// Starts the command line's program as the first process of this core's torus.
pub fn begin() {
    if let Err(errno) = create() {
        crate::power::refuse(alloc::format!(
            "no memory for the first process ({errno:?})"
        ));
    }
    crate::console::program::ready();
}

fn create() -> Result<(), Errno> {
    let torus = cpu::this().torus();
    let pid = table().new_pid()?;
    let process = Arc::new(Process {
        limits: Lock::new(Limits::initial(torus.available())),
        ..Process::new(pid)
    });
    process.files.set_console();
    let fpu = FpuState::initial().ok_or(Errno::ENOMEM)?;
    let regs = UserRegs {
        code: FIRST,
        ..UserRegs::start(0, 0)
    };
    let thread = Arc::new(Thread::new(process.clone(), regs, fpu));
    thread.in_flight.set(Some(InFlight {
        runs: 1,
        ..InFlight::default()
    }));
    process.set_thread(Some(thread.clone()));
    table().insert(process, None)?;
    thread.wake();
    Ok(())
}

/// The first process's first call: it executes the program that the command line names.
pub fn first(call: &mut Call) -> SysResult {
    if call.inflight.runs == 0 {
        return crate::syscall::unknown::answer(call, FIRST);
    }
    let request = match from_command_line() {
        Ok(request) => request,
        Err(errno) => crate::power::refuse(alloc::format!("the command line: {errno:?}")),
    };
    let path = String::from_utf8_lossy(&request.path).into_owned();
    if let Some(cwd) = boot::info().command_line.cwd {
        let cwd: Vec<u8> = cwd.bytes().collect();
        match crate::file::syscalls::enter(call, &cwd) {
            Err(Stop::Errno(errno)) => {
                crate::power::refuse(alloc::format!("cwd={}: {errno:?}", cwd.escape_ascii()))
            }
            result => result?,
        }
    }
    match exec::execute(call.thread, request) {
        Ok(value) => Ok(value),
        Err(Stop::Errno(errno)) => crate::power::refuse(alloc::format!(
            "the first program, {path}, cannot be run: {errno:?}"
        )),
        Err(Stop::Block) => Err(Stop::Block),
    }
}

fn from_command_line() -> Result<Request, Errno> {
    let line = &boot::info().command_line;
    let path: Vec<u8> = match line.init {
        Some(path) => path.bytes().collect(),
        None => b"/init".to_vec(),
    };
    let mut arguments = Strings::new();
    match line.arguments() {
        Some(words) => {
            for word in words {
                arguments.push(&word.bytes().collect::<Vec<u8>>())?;
            }
        }
        None => arguments.push(&path)?,
    }
    let mut environment = Strings::new();
    for word in line.environment() {
        environment.push(&word.bytes().collect::<Vec<u8>>())?;
    }
    Ok(Request {
        path,
        arguments,
        environment,
    })
}

/// Init has ended: everybody else is killed, and when the last has gone the machine ends with init's status.
pub fn begin_end(thread: &Arc<Thread>, status: u32) {
    kill_all();
    if !boot::info().command_line.every_torus {
        let own = cpu::this().torus().id;
        tori::all()
            .filter(|torus| torus.id != own)
            .for_each(errand::kill);
    }
    crate::syscall::interrupted::cancel_timer(thread);
    thread.signals.set_mask(u64::MAX);
    thread.signals.discard(u64::MAX);
    thread.regs.with(|regs| regs.code = LAST);
    let word = u64::from(status);
    let uninterruptible = true;
    let call = InFlight {
        runs: 1,
        word,
        uninterruptible,
        ..InFlight::default()
    };
    thread.in_flight.set(Some(call));
    thread.wake();
}

/// Kills every process of this core's torus.
pub fn kill_all() {
    for other in table().begin_end() {
        signal::send_info(&other, SigInfo::kernel(Signal::KILL));
    }
}

/// Waits for the other processes to be gone, then ends the machine.
pub fn last(call: &mut Call) -> SysResult {
    if call.inflight.runs == 0 {
        return crate::syscall::unknown::answer(call, LAST);
    }
    table().emptied.enrol();
    if table().len() > 1 {
        return Err(Stop::Block);
    }
    // Other tori's processes are not this torus's to wait for: look again in a while.
    let own = cpu::this().torus().id;
    if tori::all().any(|torus| torus.id != own && !torus.share.is_quiet()) {
        call.inflight.deadline = Some(Nanos(time::now().0 + LOOK));
        return Err(Stop::Block);
    }
    let status = call.inflight.word as u32;
    end::give_back(call.thread);
    table().remove(call.process.pid);
    super::account::check();
    crate::power::end(status)
}
