//! The host's side: pages that are pulled for the spaces of this torus, by the steps of each space's machine.

mod claims;
mod drain;
mod fault;
mod fork;

pub use claims::{announce, register, unregister};
pub use drain::drain;
pub use fork::{forked, is_born};

use super::per_torus::own;
use crate::above::processes;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::any::Any;
use fault::copy;
use mem::space::{Space, VmSpace};
use mem::{NoFrame, RemotePages};
use tori::counters;
use tori::rings;
use torus::migrate::{self, Effect, Effects, Event, Message, PullMachine, Refusal};
use torus::pid::Pid;
use torus::{DepositId, TorusId};
use vm::addr::Page;
use vm::space::SpaceError;
use vm::table::Source;

/// What a space of this torus that has moved, or is about to, has beside its mappings.
pub struct MigratedPages {
    /// Its machine.
    pub resident: PullMachine,
    /// Below this page nothing was remote when it was last looked for.
    cursor: Page,
}

impl MigratedPages {
    /// With this machine.
    pub const fn new(resident: PullMachine) -> Self {
        Self {
            resident,
            cursor: Page(0),
        }
    }
}

impl RemotePages for MigratedPages {
    fn pull(&mut self, space: &mut VmSpace, page: Page, source: Source) -> Result<bool, NoFrame> {
        fault::pull(space, &mut self.resident, page, source)
    }

    fn fork(&mut self, child: Pid, copy: &Arc<Space>) -> Result<(), SpaceError> {
        fork::fork(self, child, copy)
    }

    fn end(mut self: Box<Self>, space: &mut VmSpace) {
        if !self.resident.claims().is_empty() {
            let _ = step(space, &mut self.resident, Event::Exit);
        }
    }
}

/// What a space has on other tori, as this layer knows it: nobody else makes any.
pub fn of(remote: &mut Option<Box<dyn RemotePages>>) -> Option<&mut MigratedPages> {
    let any: &mut dyn Any = remote.as_deref_mut()?;
    any.downcast_mut()
}

/// Works on a space and what it has on other tori; `None` when it has nothing there.
pub fn with<R>(space: &Space, f: impl FnOnce(&mut VmSpace, &mut MigratedPages) -> R) -> Option<R> {
    space.with_pages(|space, remote| of(remote).map(|host| f(space, host)))
}

/// What the machine sees of a space.
struct Pages<'a>(&'a VmSpace);

impl migrate::RemotePages for Pages<'_> {
    fn remote(&self, source: Source, first: Page) -> u64 {
        self.0.remote(tori::here().memory(), source, first)
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
        if self.kill {
            processes().lost(pid);
        }
        if self.departs.is_some() {
            processes().can_leave(pid);
        }
    }
}

/// Steps the machine of a space that is locked, and does what that calls for with the space.
pub fn step(space: &mut VmSpace, resident: &mut PullMachine, event: Event) -> Todo {
    let mut todo = Todo::default();
    let mut effects = Effects::new();
    if let Err(error) = resident.step(event, &Pages(space), &mut effects) {
        log::error!("{error} ({event:?})");
    }
    rings::together(|| execute(space, resident, &effects, &mut todo));
    todo
}

fn execute(space: &mut VmSpace, resident: &mut PullMachine, effects: &[Effect], todo: &mut Todo) {
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

/// Something has happened to the space that has a claim to this deposit, if it is still here.
pub fn event(deposit: DepositId, event: Event) {
    if let Some(space) = own().claimant(deposit) {
        let _ = on(&space, event);
    }
}

/// Steps the machine of a space; false: it has none.
pub fn on(space: &Arc<Space>, event: Event) -> bool {
    let stepped = with(space, |space, host| {
        (step(space, &mut host.resident, event), host.resident.pid())
    });
    stepped.is_some_and(|(todo, pid)| {
        todo.tell(space, pid);
        true
    })
}

/// A process gets a new, empty space, and what it has elsewhere goes on with that. `change` puts it in the old one's place, and answers the
/// old one, with whether that was the process's own.
pub fn exec(
    new: &Arc<Space>,
    change: impl FnOnce() -> Option<(Arc<Space>, bool)>,
) -> Option<Arc<Space>> {
    // The new space is locked until it has the machine: a message that misses it in the old one finds it here.
    new.with_pages(|_, own| {
        let (old, is_own) = change()?;
        if is_own {
            *own = old.with_pages(|space, remote| {
                let host = of(remote)?;
                let _ = step(space, &mut host.resident, Event::Exec);
                host.cursor = Page(0);
                remote.take()
            });
        }
        Some(old)
    })
}

/// Frames that a space has here, and homes where pages of it are.
pub fn pages(space: &Space) -> (u64, u64) {
    let homes = with(space, |_, host| host.resident.claims().len() as u64);
    (space.look(|space| space.resident()), homes.unwrap_or(0))
}
