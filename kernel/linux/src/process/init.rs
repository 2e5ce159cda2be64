//! The first process of a torus: how it begins.

use super::account::Account;
use super::exec::args::Strings;
use super::exec::{self, Request};
use super::parts::Parts;
use super::table::Kinship;
use super::{Process, Thread, account, table};
use super::{closing, emptied};
use crate::file::context::Context;
use crate::moving::depart;
use crate::process::thread::Task;
use crate::syscall::call::{Call, InFlight, Stop, SysResult};
use crate::syscall::errno::Errno;
use braid_files::credentials::Credentials;
use fallible::{collect, to_vec};
use machine::boot;
use machine::fpu::FpuState;
use machine::regs::UserRegs;
use sync::Lock;
use tori::rings;
use torus::machine::Message;

/// The number of the call that the first process runs before it has a program; no program can make it.
pub const FIRST: u64 = u64::MAX - 1;

/// Starts the first process on this core's torus.
pub fn start() {
    let Some(archive) = boot::info().root_archive else {
        machine::power::refuse("the loader has passed no archive of files");
    };
    if let Err(error) = crate::file::init(archive, boot::info().command_line.verify) {
        machine::power::refuse(format_args!("the archive of files: {error}"));
    }
    for torus in tori::all() {
        torus.part::<Account>().note_frames(torus);
    }
    emptied::listen(closing::look);
    crate::moving::pages::connect();
    begin();
    crate::console::ready();
    if boot::info().command_line.every_torus {
        let own = tori::here().id;
        for torus in tori::all().filter(|torus| torus.id != own) {
            rings::send(torus.id, Message::Begin {});
        }
    }
}

/// Starts the command line's program as the first process of this core's torus.
pub fn begin() {
    if let Err(errno) = create() {
        machine::power::refuse(format_args!("no memory for the first process ({errno:?})"));
    }
}

fn create() -> Result<(), Errno> {
    account::open()?;
    let pid = table().new_pid()?;
    let (user, group) = boot::info().command_line.user.unwrap_or_default();
    let parts = Parts::new(Context::empty(pid), depart::Part::default())?;
    let mut process = Process::new(pid, parts);
    process.credentials = Lock::new(Credentials::of(user, group));
    let process = fallible::arc(process)?;
    super::users::set_counted(&process, true);
    let fpu = FpuState::initial().ok_or(Errno::ENOMEM)?;
    let regs = UserRegs {
        code: FIRST,
        ..UserRegs::start(0, 0)
    };
    let mut thread = Thread::new(Task::new(process.clone()), regs, fpu);
    let first = InFlight::internal(0);
    thread.own_mut().in_flight.set(Some(first));
    let thread = fallible::arc(thread)?;
    process.set_thread(Some(thread.clone()));
    table().insert(process, Kinship::First)?;
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
        Err(errno) => machine::power::refuse(format_args!("the command line: {errno:?}")),
    };
    let path = to_vec(&request.path)?;
    match crate::file::open_console(call) {
        Err(Stop::Errno(errno)) => machine::power::refuse(format_args!("the console: {errno:?}")),
        result => result?,
    }
    if let Some(cwd) = boot::info().command_line.cwd {
        let cwd = collect(cwd.bytes())?;
        match crate::file::syscalls::enter(call, &cwd) {
            Err(Stop::Errno(errno)) => {
                machine::power::refuse(format_args!("cwd={}: {errno:?}", cwd.escape_ascii()))
            }
            result => result?,
        }
    }
    match exec::execute(call.thread, request) {
        Ok(value) => Ok(value),
        Err(Stop::Errno(errno)) => machine::power::refuse(format_args!(
            "the first program, {}, cannot be run: {errno:?}",
            path.utf8_chunks().next().map_or("", |chunk| chunk.valid())
        )),
        Err(stop) => Err(stop),
    }
}

fn from_command_line() -> Result<Request, Errno> {
    let line = &boot::info().command_line;
    let path = match line.init {
        Some(path) => collect(path.bytes())?,
        None => to_vec(b"/init")?,
    };
    let mut arguments = Strings::new();
    match line.arguments() {
        Some(words) => {
            for word in words {
                arguments.push(&collect(word.bytes())?)?;
            }
        }
        None => arguments.push(&path)?,
    }
    let mut environment = Strings::new();
    for word in line.environment() {
        environment.push(&collect(word.bytes())?)?;
    }
    Ok(Request {
        path,
        arguments,
        environment,
    })
}
