//! The image of a process: all of it but its pages, as words, in an order that [`write()`] and [`read`] share.

mod call;
mod command;
mod space;

use super::depart;
use crate::file::remote::image as files;
use crate::process::limits::Limits;
use crate::process::oom::Oom;
use crate::process::parts::Parts;
use crate::process::personality::Personality;
use crate::process::thread::Fault;
use crate::process::thread::Task;
use crate::process::timers::{self, Interval, Intervals};
use crate::process::{Current, Name, Pid, Process, Thread};
use crate::syscall::call::InFlight;
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;
use braid_files::credentials::Credentials;
use braid_signals::action::{Action, ActionFlags, Actions};
use braid_signals::stack::AltStack;
use braid_signals::{SigInfo, Signal};
use braid_threads::policy::Policy;
use call::{read_call, read_signal, write_call, write_signal};
use command::{read_command, write_command};
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use fallible::TryVec;
use ipc::words::{Reader, Writer};
use machine::cpu;
use machine::fpu::{FpuState, Image};
use machine::regs::UserRegs;
use machine::segment::Segments;
use mem::object::ObjectRef;
use mem::space::{Blank, Space, VmSpace};
use sched::Used;
use space::{read_space, write_space};
use sync::Lock;
use tori::Torus;
use torus::migrate::Claim;
use torus::{DepositId, TorusId};
use travel::lease::Taken;
use vm::addr::Frame;
use vm::frames::Owner;
use vm::space::Parts as SpaceParts;
use vm::table::{Source, TableMemory};

/// What a process leaves behind.
pub struct Left<'a> {
    /// Its space, frozen.
    pub vm: &'a VmSpace,
    /// The claims that it had.
    pub claims: &'a [Claim],
    /// The claim to what it leaves now.
    pub claim: Claim,
    /// The top table of that.
    pub root: Frame,
}

/// What an image says of a process.
pub struct Arrival {
    /// When it was frozen.
    pub frozen_at: u64,
    /// Pages that it had where it was.
    pub pages: u64,
    /// Its claims, the last one to what it left just now.
    pub claims: Vec<(Claim, Frame)>,
    /// Its record among the families.
    pub record: Vec<u64>,
    /// Its alarm.
    pub alarm: crate::process::alarm::Words,
    /// The process, without its thread.
    pub process: Arc<Process>,
    regs: UserRegs,
    fpu: FpuState,
    /// What else its thread has.
    words: [u64; THREAD],
    in_flight: Option<InFlight>,
    signals: Vec<SigInfo>,
    /// Mappings, heap, limits.
    pub parts: SpaceParts<ObjectRef>,
}

/// Words of a thread: fs, gs and selectors, mask, pending, mask to go back to (with whether there is one), alternative stack, last
/// fault, word to clear, nice value, scheduling policy.
const THREAD: usize = 16;

/// Writes the image of a frozen process. ENOMEM without memory; EBUSY when it has something that cannot travel.
pub fn write(
    thread: &Current,
    frozen_at: u64,
    alarm: crate::process::alarm::Words,
    left: &Left<'_>,
    record: &[u64],
    packed: &files::Packed,
    taken: &mut Taken,
) -> Result<Writer, Errno> {
    let mut to = Writer::new()?;
    to.put(frozen_at)?;
    to.put(left.vm.resident() + left.vm.swapped())?;
    to.put_all(alarm)?;
    let known = left.claims.iter().map(|claim| {
        let root = left.vm.table().root_of(claim.source);
        root.map(|root| (*claim, root))
    });
    let own = Some((left.claim, left.root));
    to.put(left.claims.len() as u64 + 1)?;
    for entry in known.chain([own]) {
        let (claim, root) = entry.ok_or(Errno::EBUSY)?;
        let home = claim.home.index() as u64;
        to.put_all([claim.source.0.into(), home, claim.deposit.to_word(), root.0])?;
    }
    to.put(record.len() as u64)?;
    to.put_all(record.iter().copied())?;
    write_process(&mut to, &thread.process, packed)?;
    write_thread(&mut to, thread)?;
    write_space(&mut to, left.vm, taken)?;
    Ok(to)
}

/// Reads the image that begins in a frame of another torus. ENOMEM without memory, EINVAL when it is none.
pub fn read(pid: Pid, from: TorusId, first: Frame) -> Result<Arrival, Errno> {
    let mut from = Reader::new(from, first)?;
    let [frozen_at, pages] = from.array()?;
    let alarm = from.array()?;
    let count = from.number::<usize>()?;
    let mut claims = Vec::new();
    for _ in 0..count {
        let [source, home, deposit, root] = from.array()?;
        let claim = Claim {
            source: Source(u16::try_from(source).map_err(|_| Errno::EINVAL)?),
            home: TorusId::new(home as usize).ok_or(Errno::EINVAL)?,
            deposit: DepositId::from_word(deposit).ok_or(Errno::EINVAL)?,
        };
        claims.try_push((claim, Frame(root)))?;
    }
    let record = from.list()?;
    let process = fallible::arc(read_process(&mut from, pid)?)?;
    let mut regs = UserRegs::from_words(from.array()?);
    regs.sanitize();
    let mut fpu = FpuState::initial().ok_or(Errno::ENOMEM)?;
    let image = from.bytes()?;
    let whole = Image::Extended {
        len: image.len(),
        components: u64::MAX,
    };
    let copy = |to: &mut [u8]| {
        let same = to.len() == image.len();
        same.then(|| to.copy_from_slice(&image))
            .ok_or(Errno::EINVAL)
    };
    fpu.replace(whole, copy, Errno::EINVAL)?;
    let words = from.array()?;
    let in_flight = read_call(&mut from)?;
    let count = from.number::<usize>()?;
    let mut signals = Vec::new();
    for _ in 0..count {
        signals.try_push(read_signal(&mut from)?)?;
    }
    let parts = read_space(&mut from)?;
    Ok(Arrival {
        frozen_at,
        pages,
        claims,
        record,
        alarm,
        process,
        regs,
        fpu,
        words,
        in_flight,
        signals,
        parts,
    })
}

fn write_process(to: &mut Writer, process: &Process, packed: &files::Packed) -> Result<(), Errno> {
    // Writing lets interrupts in: no lock is held meanwhile.
    let (name, credentials) = (process.name.lock().0, *process.credentials.lock());
    let limits = process.limits.lock().words();
    to.put_bytes(&name)?;
    to.put_all(credentials.words().map(u64::from))?;
    to.put_all(limits.into_iter().flatten())?;
    let actions = process.actions.lock().clone();
    for number in 1..=64 {
        let signal = Signal::new(number).ok_or(Errno::EINVAL)?;
        let action = actions.get(signal);
        let flags = action.flags.bits();
        to.put_all([action.handler, flags, action.restorer, action.mask])?;
    }
    let (own, children) = (process.times.own(), process.times.children());
    to.put_all([own.user, own.system, children.user, children.system])?;
    let Intervals { in_program, all } = process.timers.intervals();
    to.put_all([in_program.next, in_program.interval, all.next, all.interval])?;
    to.put(process.at_parents_end.load(Ordering::Relaxed).into())?;
    to.put(process.core_filter.load(Ordering::Relaxed).into())?;
    to.put(process.without_terminal.load(Ordering::Relaxed).into())?;
    to.put(process.beyond_limit.load(Ordering::Relaxed).into())?;
    to.put(process.personality.bits().into())?;
    to.put_all(
        process
            .oom
            .words()
            .map(|word| u64::from(word.cast_unsigned())),
    )?;
    let command = process.command.lock().clone();
    write_command(to, command.as_deref())?;
    Ok(to.put_bytes(packed.bytes())?)
}

fn read_process(from: &mut Reader, pid: Pid) -> Result<Process, Errno> {
    let name = from.bytes()?.try_into().map_err(|_| Errno::EINVAL)?;
    let credentials = from.array::<{ Credentials::WORDS }>()?;
    let credentials = Credentials::from_words(&credentials.map(|word| word as u32));
    let limits: [u64; 32] = from.array()?;
    let mut actions = Actions::new();
    for number in 1..=64 {
        let signal = Signal::new(number).ok_or(Errno::EINVAL)?;
        let [handler, flags, restorer, mask] = from.array()?;
        let flags = ActionFlags::from_bits_retain(flags);
        actions.set(
            signal,
            Action {
                handler,
                flags,
                restorer,
                mask,
            },
        );
    }
    let [user, system, children_user, children_system] = from.array()?;
    let [next, interval, next_of_all, interval_of_all] = from.array()?;
    let at_parents_end = from.number::<u32>()?;
    let core_filter = AtomicU32::new(from.number()?);
    let [without_terminal, beyond_limit] = from.array()?.map(|word| AtomicBool::new(word != 0));
    let personality = Personality::new(from.number()?);
    let oom = from.array::<2>()?.map(|word| (word as u32).cast_signed());
    let command = read_command(from)?;
    let bytes = from.bytes()?;
    cpu::let_interrupts_in();
    let files = files::unpack(&bytes, pid)?;
    cpu::let_interrupts_in();
    let parts = Parts::new(files, depart::Part::default())?;
    let mut process = Process::new(pid, parts);
    process.name = Lock::new(Name(name));
    process.credentials = Lock::new(credentials);
    process.core_filter = core_filter;
    process.without_terminal = without_terminal;
    process.beyond_limit = beyond_limit;
    process.personality = personality;
    process.oom = Oom::of(oom);
    process.command = Lock::new(command);
    process.limits = Lock::new(Limits::from_words(limits.as_chunks().0));
    process.actions = Lock::new(actions);
    process.times.add(Used { user, system });
    process.times.add_children(Used {
        user: children_user,
        system: children_system,
    });
    let intervals = Intervals {
        in_program: Interval { next, interval },
        all: Interval {
            next: next_of_all,
            interval: interval_of_all,
        },
    };
    timers::set(&process, intervals);
    process
        .at_parents_end
        .store(at_parents_end, Ordering::Relaxed);
    Ok(process)
}

fn write_thread(to: &mut Writer, thread: &Current) -> Result<(), Errno> {
    to.put_all(thread.regs().words())?;
    thread.fpu().with(|state| to.put_bytes(state.bytes()))?;
    let signals = &thread.signals;
    let saved = thread.own().saved_mask.get();
    let stack = thread.own().altstack.get();
    let fault = thread.own().fault.get();
    let segments = thread.segments().get();
    to.put_all([
        segments.fs_base,
        segments.gs_base,
        segments.selectors,
        signals.mask(),
        signals.pending(),
        saved.unwrap_or_default(),
        u64::from(saved.is_some()),
        stack.base,
        stack.size,
        u64::from(stack.flags),
        fault.vector,
        fault.code,
        fault.address,
        thread.own().clear_child_tid.get(),
        thread.nice() as u64,
        thread.policy().word().into(),
    ])?;
    write_call(to, thread.own().in_flight.get())?;
    let infos = signals.infos()?;
    to.put(infos.len() as u64)?;
    Ok(infos.iter().try_for_each(|info| write_signal(to, info))?)
}

impl Arrival {
    /// The thread of the process, which does not run yet.
    pub fn thread(&mut self, process: &Arc<Process>) -> Result<Thread, Errno> {
        let fpu = FpuState::initial().ok_or(Errno::ENOMEM)?;
        let fpu = core::mem::replace(&mut self.fpu, fpu);
        let mut thread = Thread::new(Task::new(process.clone()), self.regs, fpu);
        let [
            fs_base,
            gs_base,
            selectors,
            mask,
            pending,
            saved,
            has_saved,
            base,
            size,
            flags,
            vector,
            code,
            address,
            word,
            nice,
            policy,
        ] = self.words;
        thread.set_segments(Segments {
            fs_base,
            gs_base,
            selectors,
        });
        thread.signals.set_mask(mask);
        thread.signals.restore(pending, &self.signals);
        thread.set_nice(nice as i32);
        thread.set_policy(Policy::from_word(policy as u32));
        let own = thread.own_mut();
        own.saved_mask.set((has_saved != 0).then_some(saved));
        own.unsettled.set(has_saved != 0);
        let flags = flags as u32;
        own.altstack.set(AltStack { base, size, flags });
        own.fault.set(Fault {
            vector,
            code,
            address,
        });
        own.clear_child_tid.set(word);
        own.in_flight.set(self.in_flight);
        Ok(thread)
    }

    /// Its space, without a page; `lineage` is its name in the reverse map.
    pub fn space(&mut self, torus: &Torus, lineage: Owner) -> Result<Arc<Space>, Errno> {
        let parts = SpaceParts {
            mappings: core::mem::take(&mut self.parts.mappings),
            ..self.parts
        };
        let blank = Blank::new()?;
        let mut space = VmSpace::of_parts(torus.memory(), lineage, parts)?;
        for (claim, root) in &self.claims {
            if let Err(error) = space.set_source(claim.source, *root) {
                let debt = space.destroy(torus.memory());
                torus.free_list(debt.pay(torus.memory().frames()));
                return Err(error.into());
            }
        }
        if let Some((claim, _)) = self.claims.last() {
            space.fold(torus.memory(), claim.source);
        }
        Ok(blank.of(space)?)
    }
}
