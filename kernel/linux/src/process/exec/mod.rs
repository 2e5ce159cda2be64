//! execve(2): a program takes the place of the one that runs.
//!
//! Flow: find the file and read its headers ([`elf`], or [`script`] lines that name an interpreter), build a new address
//! space beside the old one, and only when all that has worked leave the old one: up to there the caller goes on
//! after an error. Nothing of the file is read but its headers: its pages are mapped and come by fault.

pub mod args;
mod elf;
mod load;
mod script;
mod stack;

use self::args::Strings;
use self::elf::ElfError;
use super::command::Command;
use super::limits::Limits;
use super::{Current, Name, Process, credentials, end, random, table};
use crate::file::context::HasFiles as _;
use crate::file::{Executable, Found};
use crate::moving::pages;
use crate::syscall::call::{Call, Stop, SysResult};
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;
use braid_files::executable::elf::{HeaderError, Plan};
use braid_files::permission::Guard;
use braid_signals::Signal;
use braid_signals::stack::AltStack;
use core::fmt;
use core::sync::atomic::Ordering;
use fallible::NoMemory;
use machine::boot;
use machine::cpu;
use machine::fpu::{self, FpuState};
use machine::regs::UserRegs;
use machine::segment::Segments;
use mem::space::Space;
use mem::user::read_c_string;
use tori::counters;
use vm::layout::Layout;
use vm::space::SpaceError;

/// The longest path, its NUL included (PATH_MAX).
const PATH_MAX: usize = 4096;

/// What to execute.
pub struct Request {
    /// The path as the caller gave it.
    pub path: Vec<u8>,
    /// Arguments.
    pub arguments: Strings,
    /// Environment.
    pub environment: Strings,
}

/// A program ready to be entered: everything that can fail has been done, but for writing its stack.
struct Ready {
    name: Vec<u8>,
    executable: Arc<Executable>,
    program: Plan,
    space: Arc<Space>,
    fpu: FpuState,
    stack_top: u64,
    command: Arc<Command>,
    /// Whose file it is.
    guard: Guard,
}

/// execve(2).
pub fn execve(call: &mut Call) -> SysResult {
    let path = read_c_string(call.size(0), PATH_MAX)?;
    let arguments = Strings::read(call.size(1))?;
    let environment = Strings::read(call.size(2))?;
    execute(
        call.thread,
        Request {
            path,
            arguments,
            environment,
        },
    )
}

/// Replaces the program of the current thread.
pub fn execute(thread: &Current, mut request: Request) -> SysResult {
    cpu::let_interrupts_in();
    credentials::check_limit(&thread.process)?;
    if request.path.is_empty() {
        return Err(Errno::ENOENT.into());
    }
    if request.arguments.len() == 0 {
        // As Linux since 5.18: a program always has an argv[0].
        request.arguments.push(b"")?;
    }
    match prepare(thread, &mut request) {
        Ok(ready) => enter(thread, ready, &request),
        Err(Refusal::Stop(stop)) => return Err(stop),
        Err(Refusal::Ends) => end::by_signal(thread, Signal::SEGV),
    }
    Ok(0)
}

/// Does all that may fail.
fn prepare(thread: &Current, request: &mut Request) -> Result<Ready, Refusal> {
    let process = &thread.process;
    let mut limits = *process.limits.lock();
    let strings = stack::size(&request.path, &request.arguments, &request.environment) as u64;
    if strings > limits.current(super::limits::STACK) / 4 {
        return Err(Errno::E2BIG.into());
    }
    let (Found { executable, guard }, start) = script::resolve(thread, request)?;
    cpu::let_interrupts_in();
    if becomes_set_id(process, guard) {
        limits.protect();
    }
    let layout = layout(process, &limits, guard);
    let program = elf::read(&executable, &start, layout.executable)
        .map_err(|error| refuse(process, request, error))?;
    cpu::let_interrupts_in();
    let space = Space::new(layout.ceiling)?;
    load::map(&space, &program, &executable, &limits, &layout, strings).map_err(
        |errno| match errno {
            Errno::ENOMEM => errno.into(),
            _ => refuse(process, request, ElfError::Unloadable("segment address")),
        },
    )?;
    cpu::let_interrupts_in();
    let fpu = FpuState::initial().ok_or(Errno::ENOMEM)?;
    let command = Command::new(&request.arguments, &request.environment)?;
    let command = fallible::arc(command)?;
    let name = fallible::to_vec(&request.path)?;
    Ok(Ready {
        name,
        executable,
        program,
        space,
        fpu,
        stack_top: layout.stack_top.0,
        command,
        guard,
    })
}

/// Whether a process acts as somebody else than who started it, once it has executed a file.
fn becomes_set_id(process: &Process, guard: Guard) -> bool {
    process.credentials.lock().executing(guard).is_set_id()
}

/// Where the parts of a new program go: at random, unless the machine or the process's personality says otherwise.
fn layout(process: &Process, limits: &Limits, guard: Guard) -> Layout {
    let stack = limits.current(super::limits::STACK);
    let is_fixed = !becomes_set_id(process, guard) && process.personality.is_fixed();
    if is_fixed || boot::info().command_line.norandmaps {
        return Layout::fixed(stack);
    }
    let mut bytes = [0; 32];
    random::fill(&mut bytes);
    let mut words = [0; 4];
    for (word, from) in words.iter_mut().zip(bytes.as_chunks().0) {
        *word = u64::from_le_bytes(*from);
    }
    Layout::random(stack, words)
}

/// Why there is no new program.
enum Refusal {
    /// The call fails, or runs again.
    Stop(Stop),
    /// Linux has left the old program when it finds out, so that the process ends.
    Ends,
}

impl From<Stop> for Refusal {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl From<Errno> for Refusal {
    fn from(errno: Errno) -> Self {
        Self::Stop(errno.into())
    }
}

impl From<SpaceError> for Refusal {
    fn from(error: SpaceError) -> Self {
        Self::Stop(error.into())
    }
}

impl From<NoMemory> for Refusal {
    fn from(error: NoMemory) -> Self {
        Self::Stop(error.into())
    }
}

/// Says in the log why a file is not executed, where the error number alone would not.
fn refuse(process: &Process, request: &Request, error: ElfError) -> Refusal {
    let path = request.path.escape_ascii();
    let warn = |text: fmt::Arguments| process.log(log::Level::Warn, text);
    match error {
        ElfError::Header(error) => {
            match error {
                HeaderError::NotElf => {}
                HeaderError::WrongMachine => {
                    warn(format_args!("{path}: not a 64-bit x86 executable"));
                }
                HeaderError::Malformed(what) => {
                    warn(format_args!("{path}: malformed executable: {what}"));
                }
            }
            Errno::ENOEXEC.into()
        }
        ElfError::Unloadable(what) => {
            warn(format_args!("{path}: malformed executable: {what}"));
            Refusal::Ends
        }
        ElfError::Dynamic(interpreter) => {
            let interpreter = interpreter.escape_ascii();
            let text = format_args!(
                "{path}: wants the dynamic linker {interpreter}, but only static programs run"
            );
            process.log(log::Level::Error, text);
            Errno::ENOENT.into()
        }
        ElfError::Read(stop) => stop.into(),
    }
}

/// Leaves the old program for the new one. What fails now ends the process: there is nothing to go back to.
fn enter(thread: &Current, ready: Ready, request: &Request) {
    let process = &thread.process;
    let Ready {
        name,
        executable,
        program,
        space,
        fpu,
        stack_top,
        command,
        guard,
    } = ready;
    counters::own().programs.add(1);
    // Before the new space can be found: who may look into the old program may not look into a set-id one.
    let credentials = {
        let mut own = process.credentials.lock();
        let before = *own;
        *own = own.executing(guard);
        if own.is_set_id() || !own.acts_as(&before) {
            process.at_parents_end.store(0, Ordering::Relaxed);
        }
        if own.is_set_id() {
            process.personality.protect();
            process.limits.lock().protect();
        }
        *own
    };
    space.enter();
    if let Some(old) = pages::exec(thread, &space) {
        old.leave();
    }
    end::release_vfork_parent(thread);
    // It may leave now.
    thread.note_attention();
    *process.name.lock() = Name::of_path(&name);
    *process.files().executable.lock() = Some(executable);
    *process.command.lock() = Some(command.clone());
    cpu::let_interrupts_in();
    process.files().close_on_exec();
    process.actions.lock().reset_for_exec();
    thread.own().altstack.set(AltStack::default());
    table().set_executed(process.pid);
    thread.fpu().with(|state| {
        *state = fpu;
        fpu::restore(state);
    });
    Segments::default().load();
    let (arguments, environment) = (&request.arguments, &request.environment);
    let stack = load::clear_tails(&program).and_then(|()| {
        stack::write(
            stack_top,
            &name,
            arguments,
            environment,
            &program,
            &credentials,
            &command,
        )
    });
    match stack {
        Ok(sp) => thread.set_regs(UserRegs::start(program.entry, sp)),
        Err(_) => {
            log::error!("{}: no memory for its first pages", process.label());
            end::by_signal(thread, Signal::KILL);
        }
    }
}
