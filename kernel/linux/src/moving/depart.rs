//! Leaving: a process is frozen on its way back to its program, and offered to another torus.

use super::image;
use crate::file::context::HasFiles as _;
use crate::file::remote::image as files;
use crate::file::remote::image::Packed;
use crate::process::parts::Moves;
use crate::process::thread::{Task, change_space};
use crate::process::{Current, Pid, Process, Thread, table};
use crate::signal::alarm;
use crate::syscall::call::Wait;
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use fallible::NoMemory;
use ipc::words::Writer;
use machine::time::{self, Nanos};
use mem::OfTorus as _;
use mem::space::Space;
use mem::spaces::thaw;
use sync::Lock;
use tori::counters;
use tori::rings;
use torus::family::TravelError;
use torus::migrate::{Claim, Event, PullMachine};
use torus::migrate::{Message, Refusal};
use torus::{DepositId, TorusId};
use travel::home;
use travel::lease::Taken;
use travel::migrated::{self, MigratedPages};

/// A thread that stays as it is.
type Still = sched::Frozen<Task>;

/// A process that is offered.
struct Frozen {
    thread: Still,
    image: Writer,
    /// What it leaves.
    deposit: DepositId,
    files: Packed,
    objects: Taken,
}

/// Where a process is to go, and how far that has come.
#[derive(Default)]
pub struct Moving {
    /// The target, from the wish to the answer.
    pub to: Option<TorusId>,
    /// Where the wish came from.
    asker: Asker,
    /// It waits until nothing holds it back any more.
    leaving: bool,
    /// Nothing does.
    ready: bool,
    /// While it is frozen: its image, and what it leaves.
    frozen: Option<Frozen>,
    /// When it was frozen for the move that brought it here, until it runs.
    pub arrived: Option<u64>,
}

/// The part of a process that belongs to migration.
#[derive(Default)]
pub struct Part(Lock<Moving>);

impl Moves for Part {
    fn wants(&self, to: TorusId, (parent, token): (Pid, u64)) -> Result<(), Errno> {
        self.0.lock().wants(to, Asker::Parent(parent, token))
    }
}

/// What migration has of a process.
pub trait HasMoving {
    /// Where it is to go.
    fn moving(&self) -> &Lock<Moving>;
}

impl HasMoving for Process {
    fn moving(&self) -> &Lock<Moving> {
        &self.moves_as::<Part>().0
    }
}

/// The origin of the wish that a process goes elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Asker {
    /// Nobody who waits for it.
    #[default]
    Nobody,
    /// It asked itself.
    Itself,
    /// Its parent, whose call waits for an answer with this token.
    Parent(Pid, u64),
}

impl Moving {
    /// Somebody wants it elsewhere. EBUSY when it is on its way already.
    pub fn wants(&mut self, to: TorusId, asker: Asker) -> Result<(), Errno> {
        if self.to.is_some() {
            return Err(Errno::EBUSY);
        }
        (self.to, self.asker) = (Some(to), asker);
        (self.leaving, self.ready) = (false, false);
        Ok(())
    }

    /// The process stays. Answers who wanted it elsewhere: from now on somebody else may.
    fn ends(&mut self) -> Asker {
        self.to = None;
        core::mem::take(&mut self.asker)
    }
}

/// Tells the parent that waits for it what has become of its wish: 0, or a negative error number.
pub fn answer(process: &Process, result: i32) {
    let asker = core::mem::take(&mut process.moving().lock().asker);
    tell(asker, result);
}

fn tell(asker: Asker, result: i32) {
    if let Asker::Parent(parent, token) = asker {
        table().with(|families, effects| families.reply(parent, token, result, effects));
    }
}

/// A thread is about to go back to its program, on its core: counts an arrival, and has it leave when that is wanted. False when it
/// must not go on.
pub fn attend(thread: &Current) -> bool {
    let process = &thread.process;
    let mut moving = process.moving().lock();
    if let Some(frozen) = moving.arrived.take() {
        let counters = counters::own();
        counters.migrations_in.add(1);
        counters
            .downtime_ns
            .add((time::now() - Nanos::new(frozen)).get());
    }
    loop {
        let Some(to) = moving.to else { return true };
        if !may_freeze(thread) {
            return true;
        }
        moving.leaving = true;
        let ready = moving.ready;
        drop(moving);
        if ready || asks_to_leave(thread, to) {
            freeze(thread, to);
            return false;
        }
        // Until what is under way has come. Whoever has woken it meanwhile may have said just that.
        thread.note_attention();
        if thread.waits() {
            return false;
        }
        moving = process.moving().lock();
    }
}

/// Whether the thread's signals come after its move: while it waits to leave a handler's frame could not be completed if a page of it
/// is elsewhere; and its own call is not over before it has left or stays.
pub fn holds_signals(thread: &Current) -> bool {
    let moving = thread.process.moving().lock();
    moving.to.is_some() && (moving.leaving || moving.asker == Asker::Itself && may_freeze(thread))
}

/// Whether the thread is where it can be taken up again on another torus. If not it is asked again when its call is over.
fn may_freeze(thread: &Current) -> bool {
    let call = thread.own().in_flight.get();
    let bound = call.is_some_and(|call| call.wait == Wait::Answer);
    let busy = !thread.own().deferred.with(|deferred| deferred.is_idle());
    let shares_space = thread.process.borrows_space();
    let still = !bound && !busy && !shares_space && !thread.process.is_stopped();
    still && files::may_leave(thread)
}

/// Tells the machine; true when nothing holds the process back.
fn asks_to_leave(thread: &Current, to: TorusId) -> bool {
    let Some(space) = thread.own().space() else {
        return false;
    };
    let pid = thread.process.pid;
    space.with_pages(|space, remote| {
        if remote.is_none() {
            // Without memory for it the process stays: that is found out when it is frozen.
            *remote = match fallible::boxed(MigratedPages::new(PullMachine::new(pid))) {
                Ok(host) => Some(host),
                Err(NoMemory) => return true,
            };
        }
        let Some(host) = migrated::of(remote) else {
            return true;
        };
        if host.resident.is_leaving() {
            return false;
        }
        migrated::step(space, &mut host.resident, Event::Leave { to })
            .departs
            .is_some()
    })
}

/// Nothing holds the process back any more.
pub fn ready(process: &Process) {
    process.moving().lock().ready = true;
    if let Some(thread) = process.thread() {
        thread.call_attention();
    }
}

/// Whether a process may go, and leave pages here. Nobody here pays for those, so that all who went before may have left half of memory and
/// swap at most.
fn may_leave_more() -> bool {
    let torus = tori::here();
    let left = |core| torus.member(core).counters.residual.get();
    let left = (0..torus.cores()).map(left).fold(0, u64::wrapping_add);
    let slots = torus
        .kept()
        .swap()
        .map_or(0, |swap| swap.slots().available() + swap.slots().used());
    left <= (torus.usable() + slots) / 2
}

/// Freezes the current thread's process and offers it.
fn freeze(thread: &Current, to: TorusId) {
    let process = &thread.process;
    let frozen_at = time::now().get();
    let mut still = thread.freeze();
    let alarm = alarm::suspend(&still);
    crate::syscall::futex::depart(still.touch());
    let Some(space) = change_space(still.touch(), None) else {
        return;
    };
    if !may_leave_more() {
        return remain(process, still, &space, Errno::ENOMEM);
    }
    let Ok(deposit) = home::leave(&space) else {
        return remain(process, still, &space, Errno::ENOMEM);
    };
    let record = table().with(|families, effects| families.freeze(process.pid, effects));
    let root = space.root();
    let packed = files::pack(process.files(), to);
    let mut objects = Taken::new(to);
    let record = record.map_err(|error| match error {
        TravelError::NoPlace => Errno::ENOMEM,
        _ => Errno::EBUSY,
    });
    let written = record.and_then(|record| {
        let packed = packed?;
        space
            .with_pages(|vm, remote| {
                let resident = migrated::of(remote)
                    .map(|host| &host.resident)
                    .ok_or(Errno::ENOMEM)?;
                let claim = Claim {
                    source: resident.free_source(),
                    home: tori::here().id,
                    deposit,
                };
                let left = image::Left {
                    vm,
                    claims: resident.claims(),
                    claim,
                    root,
                };
                image::write(
                    still.touch(),
                    frozen_at,
                    alarm,
                    &left,
                    &record,
                    &packed,
                    &mut objects,
                )
            })
            .map(|image| (image, packed))
    });
    match written {
        Ok((writer, files)) => {
            objects.tell();
            let image = writer.first();
            process.moving().lock().frozen = Some(Frozen {
                thread: still,
                image: writer,
                deposit,
                files,
                objects,
            });
            counters::own().migrations_out.add(1);
            let pid = process.pid;
            rings::send(to, Message::Offer { pid, image });
        }
        Err(errno) => {
            process.moving().lock().frozen = None;
            stay(process, still, deposit, errno);
        }
    }
}

/// The process stays: its deposit is its space again.
fn stay(process: &Arc<Process>, thread: Still, deposit: DepositId, errno: Errno) {
    if let Some(space) = home::take_back(deposit) {
        remain(process, thread, &space, errno);
    }
}

/// The process goes on with its space.
fn remain(process: &Arc<Process>, mut thread: Still, space: &Arc<Space>, errno: Errno) {
    thaw(space);
    let _ = change_space(thread.touch(), Some(space.clone()));
    let refused = Event::Refused(Refusal::Memory);
    let _ = migrated::with(space, |space, host| {
        migrated::step(space, &mut host.resident, refused).resumes
    });
    // Before anybody else can want it elsewhere.
    let asker = process.moving().lock().ends();
    if asker == Asker::Itself {
        let result = errno.as_return();
        thread.touch().set_result(result);
    }
    alarm::resume(&thread);
    table().with(|families, effects| families.resume(process.pid, effects));
    thread.thaw();
    counters::own().migrations_refused.add(1);
    tell(asker, -(errno as i32));
}

/// The target does not take the process.
pub fn refused(pid: Pid, reason: Refusal) {
    let Some(process) = table().get(pid) else {
        return;
    };
    let frozen = process.moving().lock().frozen.take();
    if let Some(Frozen {
        thread, deposit, ..
    }) = frozen
    {
        let errno = match reason {
            Refusal::Memory => Errno::ENOMEM,
            Refusal::Draining => Errno::EAGAIN,
        };
        stay(&process, thread, deposit, errno);
    }
}

/// The process runs at the target: what was held for it follows, then the word that it may move on.
pub fn adopted(pid: Pid) {
    let Some(process) = table().get(pid) else {
        return;
    };
    let (frozen, to) = {
        let mut moving = process.moving().lock();
        (moving.frozen.take(), moving.to.take())
    };
    let (Some(frozen), Some(to)) = (frozen, to) else {
        return;
    };
    let Frozen {
        thread,
        image,
        deposit,
        files,
        objects,
    } = frozen;
    drop(image);
    files.sent();
    objects.sent();
    thread.end();
    process.set_thread(None);
    // Wait queues may keep the thread, and so the process, for a while.
    process.files().leave();
    crate::process::users::set_counted(&process, false);
    *process.files().executable.lock() = None;
    process.children_changed.wake_all();
    table().with(|families, effects| families.depart(pid, to, effects));
    home::keep(deposit);
    answer(&process, 0);
}

/// All that was held for a process that has come has followed it: it may move on.
pub fn settled(pid: Pid) {
    let Some(process) = table().get(pid) else {
        return;
    };
    let mut space = process.space();
    while let Some(asked) = space {
        if migrated::on(&asked, Event::Departed) {
            return;
        }
        // execve(2) has just taken the machine to another space.
        space = process.space().filter(|space| !Arc::ptr_eq(space, &asked));
    }
}

/// Has a process go to another torus as soon as it can, if it is not on its way already.
pub fn send_away(thread: &Arc<Thread>, to: TorusId) {
    if thread
        .process
        .moving()
        .lock()
        .wants(to, Asker::Nobody)
        .is_ok()
    {
        thread.call_attention();
    }
}
