//! The host's side: pages that are pulled for the spaces of this torus.

use super::own;
use crate::arch::{cpu, paging};
use crate::checked;
use crate::mem::reclaim::low;
use crate::mem::space::{Space, VmSpace};
use crate::process::{Pid, Thread, counters, table};
use crate::rings;
use crate::signal::{self, Signal};
use crate::syscall::errno::Errno;
use alloc::sync::{Arc, Weak};
use fallible::{NoMemory, TryMap, reserve};
use torus::message::{Message, Refusal};
use torus::migrate::{Claim, Effect, Effects, Event, MigrateError, RemotePages, Resident};
use torus::span::Span;
use torus::{DepositId, TorusId};
use vm::addr::{Frame, PAGE_SIZE, Page};
use vm::frames::Use;
use vm::space::{Away, granted};
use vm::table::Source;

/// What a space of this torus that has moved, or is about to, has beside its mappings.
pub struct Host {
    /// Its machine.
    pub resident: Resident,
    /// Below this page nothing was remote when it was last looked for.
    cursor: Page,
}

impl Host {
    /// With this machine.
    pub const fn new(resident: Resident) -> Self {
        Self {
            resident,
            cursor: Page(0),
        }
    }
}

/// What the machine sees of a space.
struct Pages<'a>(&'a VmSpace);

impl RemotePages for Pages<'_> {
    fn remote(&self, source: Source, first: Page) -> u64 {
        self.0.remote(cpu::this().torus().memory(), source, first)
    }
}

/// What is to be told to threads and processes when the space's lock is free again.
#[derive(Default)]
#[must_use = "somebody waits"]
pub struct Todo {
    wake: bool,
    /// A page that the process waits for is lost.
    kill: bool,
    /// The process can leave.
    pub departs: Option<TorusId>,
    /// The process stays after all.
    pub resumes: Option<Refusal>,
    /// The process is at another torus.
    pub forget: Option<TorusId>,
    /// The fork that the process waits for is done, for better or worse.
    forked: bool,
}

impl Todo {
    /// Tells them.
    pub fn tell(self, space: &Space, pid: Pid) {
        if self.wake || self.forked || self.kill {
            space.waiters.wake_all();
        }
        let process = table().get(pid);
        if let (true, Some(process)) = (self.kill, &process) {
            let label = process.label();
            log::error!("{label}: killed: a page could not be had from another torus");
            signal::send(process, Signal::KILL);
        }
        if let (Some(_), Some(process)) = (self.departs, &process) {
            super::depart::ready(process);
        }
    }
}

/// Steps the machine of a space that is locked, and does what that calls for with the space.
pub fn step(space: &mut VmSpace, resident: &mut Resident, event: Event) -> Todo {
    let mut todo = Todo::default();
    let mut effects = Effects::new();
    if let Err(error) = resident.step(event, &Pages(space), &mut effects) {
        log::error!("{error} ({event:?})");
    }
    rings::together(|| execute(space, resident, &effects, &mut todo));
    todo
}

fn execute(space: &mut VmSpace, resident: &mut Resident, effects: &[Effect], todo: &mut Todo) {
    for effect in effects {
        match *effect {
            Effect::Send { to, message } => send(to, message),
            Effect::Copy {
                deposit,
                span,
                awaited,
            } => copy(space, resident, deposit, (span, awaited), todo),
            Effect::Wake(_) => todo.wake = true,
            Effect::Depart { to } => todo.departs = Some(to),
            Effect::Resume(reason) => todo.resumes = Some(reason),
            Effect::Forward { to } => todo.forget = Some(to),
            Effect::Start | Effect::Abort => todo.forked = true,
            Effect::Kill => todo.kill = true,
            Effect::Forget | Effect::Over => {}
        }
    }
}

fn send(to: TorusId, message: Message) {
    match message {
        Message::Release { deposit } => {
            own().claims.lock().remove(&deposit);
        }
        Message::Pull { span, .. } => {
            let counters = counters::own();
            counters.pulls.add(1);
            counters.pages_asked.add(span.len());
        }
        _ => {}
    }
    rings::send(to, message);
}

/// Copies granted pages into frames of this torus.
fn copy(
    space: &mut VmSpace,
    resident: &mut Resident,
    deposit: DepositId,
    (span, awaited): (Span, Span),
    todo: &mut Todo,
) {
    let root = resident
        .claim_to(deposit)
        .and_then(|claim| space.table().root_of(claim.source));
    let Some(root) = root else { return };
    let memory = cpu::this().torus().memory();
    let (mut copied, mut uncopied) = (Span { mask: 0, ..span }, Span { mask: 0, ..span });
    for page in span.pages() {
        let done = match granted(memory, root, page) {
            Some(frame) => bring(space, page, frame, awaited.contains(page)),
            // A page that was not copied is not freed at its home.
            None => Err(NoFrame),
        };
        match done {
            Ok(()) => copied.mask |= span.bit(page),
            Err(NoFrame) => uncopied.mask |= span.bit(page),
        }
    }
    counters::own().pages_pulled.add(copied.len());
    for (span, event) in [
        (
            copied,
            Event::Copied {
                deposit,
                span: copied,
            },
        ),
        (
            uncopied,
            Event::Uncopied {
                deposit,
                span: uncopied,
            },
        ),
    ] {
        if !span.is_empty() {
            let mut effects = Effects::new();
            if let Err(error) = resident.step(event, &Pages(space), &mut effects) {
                log::error!("{error}");
            }
            execute(space, resident, &effects, todo);
        }
    }
}

/// No frame was left.
pub struct NoFrame;

/// Copies a page from a frame of another torus, if it is still wanted.
fn bring(space: &mut VmSpace, page: Page, from: Frame, asked: bool) -> Result<(), NoFrame> {
    let torus = cpu::this().torus();
    let frame = torus.alloc_frame(Use::Private).ok_or(NoFrame)?;
    let source = paging::phys_to_virt(from.start());
    let target = paging::phys_to_virt(frame.start());
    // SAFETY: K32, the home has granted the frame and keeps it; ours is new.
    unsafe { target.copy_from_nonoverlapping(source, PAGE_SIZE) };
    checked::copied(frame);
    if !space.arrive(torus.memory(), page, frame, asked) {
        torus.free_frame(frame);
    } else if !asked {
        counters::own().pages_prefetched.add(1);
    }
    Ok(())
}

/// A thread has touched a remote page. False: it has to wait until it is woken; true: the page is here.
///
/// # Errors
/// [`NoFrame`]: room is to be made first.
pub fn fault(
    space: &mut VmSpace,
    resident: &mut Resident,
    page: Page,
    source: Source,
) -> Result<bool, NoFrame> {
    let torus = cpu::this().torus();
    match resident.claim(source) {
        Some(claim) if claim.home == torus.id => take_back(space, resident, claim, page),
        _ if torus.for_programs() == 0 => Err(NoFrame),
        _ => {
            let todo = step(space, resident, Event::Fault { page, source });
            // Only messages come of it.
            debug_assert!(!todo.wake && todo.departs.is_none());
            Ok(false)
        }
    }
}

/// Moves pages over from a deposit on this torus; false when a child's deposit has to be made of it first.
fn take_back(
    space: &mut VmSpace,
    resident: &Resident,
    claim: Claim,
    page: Page,
) -> Result<bool, NoFrame> {
    if resident.is_forking() {
        return Ok(false);
    }
    let Some(home) = own().deposit(claim.deposit) else {
        return Ok(false);
    };
    let memory = cpu::this().torus().memory();
    let taken = home.space.look(|frozen| {
        let taken = space.take_back(memory, frozen, claim.source, page);
        home.count(frozen);
        taken
    });
    taken.map(|()| true).map_err(|_| NoFrame)
}

/// Something has happened to the space that has a claim to this deposit, if it is still here.
pub fn event(deposit: DepositId, event: Event) {
    if let Some(space) = own().claimant(deposit) {
        let _ = on(&space, event);
    }
}

/// Steps the machine of a space; false: it has none.
pub fn on(space: &Arc<Space>, event: Event) -> bool {
    let stepped = space
        .with_host(|space, host| (step(space, &mut host.resident, event), host.resident.pid()));
    stepped.is_some_and(|(todo, pid)| {
        todo.tell(space, pid);
        true
    })
}

/// The deposit of a forked child is made, with this top table; or it is not.
pub fn forked(parent: DepositId, child: DepositId, root: Option<Frame>) {
    let event = match root {
        Some(_) => Event::Forked { child },
        None => Event::ForkFailed { child },
    };
    if let (Some(space), Some(root)) = (own().claimant(child), root) {
        // Its home has made it: nobody could be told that it is not to be found.
        let _held = fallible::insist();
        let noted = space.with_host(|space, host| {
            let claim = host.resident.claim_to(child)?;
            space.set_source(claim.source, root).ok()
        });
        if noted.flatten().is_none() {
            log::error!("no memory to note where deposit {child} is");
        }
    }
    // The child's comes last: when it is born, its parent may go on.
    for deposit in [parent, child] {
        self::event(deposit, event);
    }
    if root.is_none() {
        own().claims.lock().remove(&child);
    }
}

/// Goes on with what spaces of this torus have elsewhere, while nobody has anything else to do. False when there is nothing to do
/// before something else happens.
pub fn drain() -> bool {
    let cursor = &cpu::this().sched.drained;
    let count = own().claims.lock().len();
    (0..count).any(|_| {
        cpu::let_interrupts_in();
        let Some((deposit, space)) = own().any_claimant(cursor.get()) else {
            return false;
        };
        cursor.set(Some(deposit));
        drain_space(&space)
    })
}

/// Asks for more of what a space has elsewhere, or gives up claims to which nothing leads; whether it got on by itself.
fn drain_space(space: &Arc<Space>) -> bool {
    let drained = space.with_host(|space, host| {
        let mut todo = Todo::default();
        // A frozen space is another torus's to read.
        let may = host.resident.runs() && !host.resident.is_forking();
        let goes_on = may && drain_more(space, host, &mut todo);
        (todo, goes_on, host.resident.pid())
    });
    drained.is_some_and(|(todo, goes_on, pid)| {
        todo.tell(space, pid);
        goes_on
    })
}

/// Tables or blocks of pages that are seen to in one go.
const STEPS: usize = 16;

fn drain_more(space: &mut VmSpace, host: &mut Host, todo: &mut Todo) -> bool {
    let torus = cpu::this().torus();
    let (memory, here) = (torus.memory(), torus.id);
    for _ in 0..STEPS {
        match space.next_away(memory, host.cursor) {
            Some(Away::Folded(at, _)) => {
                host.cursor = at;
                if space.unfold(memory, at).is_err() {
                    return false;
                }
            }
            Some(Away::Page(first, source)) => {
                host.cursor = first;
                match host.resident.claim(source) {
                    Some(claim) if claim.home == here => {
                        if !matches!(take_back(space, &host.resident, claim, first), Ok(true)) {
                            return false;
                        }
                    }
                    // Pages that come in the background are not to drive out those that programs use.
                    _ if torus.for_programs() < low(torus.total()) => return false,
                    _ => {
                        *todo = step(space, &mut host.resident, Event::Idle { first, source });
                        return false;
                    }
                }
            }
            // Pages that could not be copied have stayed remote.
            None if host.cursor > Page(0) => host.cursor = Page(0),
            None => {
                *todo = sweep(space, &mut host.resident);
                return false;
            }
        }
    }
    true
}

/// Nothing remote is left: gives up all claims.
fn sweep(space: &mut VmSpace, resident: &mut Resident) -> Todo {
    let mut todo = Todo::default();
    let mut at = 0;
    while let Some(Claim { source, .. }) = resident.claims().get(at).copied() {
        let swept = step(space, resident, Event::Swept { source });
        todo.departs = todo.departs.or(swept.departs);
        todo.wake |= swept.wake;
        if resident.claim(source).is_none() {
            space.forget_source(source);
        } else {
            at += 1;
        }
    }
    todo
}

/// Makes room to note that a space has these claims; whoever does not go on has them [unregistered](unregister).
pub fn announce(claims: &[Claim]) -> Result<(), NoMemory> {
    let mut known = own().claims.lock();
    for (index, claim) in claims.iter().enumerate() {
        if known.put(claim.deposit, Weak::new()).is_err() {
            drop(known);
            unregister(&claims[..index]);
            return Err(NoMemory);
        }
    }
    Ok(())
}

/// Notes that a space has these claims, which were [announced](announce).
pub fn register(space: &Arc<Space>, claims: &[Claim]) {
    let mut known = own().claims.lock();
    for claim in claims {
        if let Some(noted) = known.get_mut(&claim.deposit) {
            *noted = Arc::downgrade(space);
        }
    }
}

/// Notes that these claims are another torus's now.
pub fn unregister(claims: &[Claim]) {
    let mut known = own().claims.lock();
    for claim in claims {
        known.remove(&claim.deposit);
    }
}

/// The thread's process gets a new, empty space, and the machine goes on with it. Answers the old one.
pub fn exec(thread: &Thread, new: &Arc<Space>) -> Option<Arc<Space>> {
    // The new space is locked until it has the machine: a message that misses it in the old one finds it here.
    new.with_pages(|_, own| {
        let old = thread.change_space(Some(new.clone()))?;
        // A child of vfork has had its parent's.
        if thread.process.vfork_parent.lock().is_none() {
            *own = old.with_pages(|space, host| {
                let mut host = host.take()?;
                let _ = step(space, &mut host.resident, Event::Exec);
                Some(Host::new(host.resident))
            });
        }
        Some(old)
    })
}

/// Blocks of the heap that a fork takes to note claims: of lists, and nodes of a map for each claim; and the size of one.
const NOTES: usize = 64;
const NOTE: usize = 512;

/// The process forks: `copy`, the space of `child`, gets claims of its own, which the homes have to make first.
pub fn fork(host: &mut Host, child: Pid, copy: &Arc<Space>) -> Result<(), Errno> {
    if host.resident.claims().is_empty() {
        return Ok(());
    }
    let mut effects = Effects::new();
    // The claims that the homes are asked to make are noted here, or not asked for.
    let _held = reserve(NOTES, NOTES * NOTE)?;
    let name = || own().names.lock().give();
    let embryo = host.resident.fork(child, name, announce, &mut effects);
    let embryo = embryo.map_err(|error| match error {
        MigrateError::NoMemory(_) => Errno::ENOMEM,
        _ => Errno::EBUSY,
    })?;
    register(copy, embryo.claims());
    copy.with_pages(|_, host| *host = Some(Host::new(embryo)));
    for effect in &*effects {
        if let Effect::Send { to, message } = *effect {
            send(to, message);
        }
    }
    Ok(())
}

/// Whether what a forked child has elsewhere is there: `None` while homes are still to answer.
pub fn is_born(space: &Space) -> Option<bool> {
    let state = space.with_host(|_, host| (host.resident.runs(), host.resident.is_forking()));
    match state {
        None | Some((true, _)) => Some(true),
        Some((false, true)) => None,
        Some((false, false)) => Some(false),
    }
}

/// The space ends: gives up all that it has elsewhere.
pub fn end(space: &mut VmSpace, mut host: Host) {
    if !host.resident.claims().is_empty() {
        let _ = step(space, &mut host.resident, Event::Exit);
    }
}
