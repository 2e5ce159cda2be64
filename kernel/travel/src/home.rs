//! The home's side: deposits, which are frozen spaces.

use super::per_torus::own;
use super::{migrated, reading};
use crate::above::processes;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicU64, Ordering};
use fallible::{NoMemory, TryMap};
use mem::reclaim::Retry;
use mem::space::{Space, VmSpace};
use sync::Lock;
use tori::{counters, rings};
use torus::migrate::Message;
use torus::migrate::{
    Deposit, DepositEffect, DepositEffects, DepositEvent, Event, Held, HeldPages,
};
use torus::span::Span;
use torus::{DepositId, TorusId};
use vm::addr::{Frame, Page};
use vm::flush::FlushDebt;
use vm::frames::Owner;
use vm::space::Kept;
use vm::table::TableMemory;

/// A deposit: its machine and the frozen space.
pub(crate) struct Home {
    machine: Lock<Deposit>,
    pub(crate) space: Arc<Space>,
    /// What has been tried to get memory for pages that are to be read back.
    pub(crate) retry: Retry,
    /// Pages that are counted as left here.
    counted: AtomicU64,
}

impl Home {
    /// A deposit of all that `space` has, which no core will load again.
    pub(crate) fn new(id: DepositId, space: Arc<Space>) -> Self {
        space.look(|_| space.set_frozen(true));
        Self {
            machine: Lock::new(Deposit::new(id)),
            space,
            retry: Retry::new(),
            counted: AtomicU64::new(0),
        }
    }

    /// Counts what is left of the frozen space.
    pub(crate) fn count(&self, space: &VmSpace) {
        self.count_as(space.resident() + space.swapped());
    }

    fn count_as(&self, left: u64) {
        let before = self.counted.swap(left, Ordering::Relaxed);
        counters::own().residual.change(left.wrapping_sub(before));
    }
}

/// What the machine sees of the frozen space.
struct Pages<'a>(&'a VmSpace);

impl HeldPages for Pages<'_> {
    fn pin(&mut self, page: Page) -> Option<Held> {
        let memory = tori::here().memory();
        match self.0.kept(memory, page)? {
            Kept::Frame(_) => {
                self.0.pin(memory, page);
                Some(Held::Here)
            }
            Kept::Slot(_) => Some(Held::Away),
        }
    }

    fn has(&self, page: Page) -> bool {
        let memory = tori::here().memory();
        self.0.kept(memory, page).is_some()
    }
}

/// Something has happened to a deposit. It may be closed: then it is too late.
pub fn event(id: DepositId, event: DepositEvent) {
    let Some(home) = own().deposit(id) else {
        return;
    };
    let mut effects = DepositEffects::new();
    let stepped = {
        let mut machine = home.machine.lock();
        // A page that cannot be noted is lost.
        let _held = fallible::insist();
        home.space
            .look(|space| machine.step(event, &mut Pages(space), &mut effects))
    };
    if let Err(error) = stepped {
        log::error!("{error}");
    }
    let closes = effects.contains(&DepositEffect::Close);
    for effect in effects {
        execute(id, &home, effect);
    }
    drop(home);
    if closes {
        processes().emptied();
    }
}

fn execute(id: DepositId, home: &Arc<Home>, effect: DepositEffect) {
    match effect {
        DepositEffect::Send { to, message } => rings::send(to, message),
        DepositEffect::Lose { to, span } => {
            let messages = span.pages().map(|page| Message::Lost { deposit: id, page });
            messages.for_each(|message| rings::send(to, message));
        }
        DepositEffect::ReadIn(span) => {
            for page in span.pages() {
                reading::read_in(id, home, page);
            }
        }
        DepositEffect::Drop(span) => drop_pages(home, span),
        DepositEffect::Clone { to, child } => clone(id, home, to, child),
        DepositEffect::Close => {
            home.count_as(0);
            drop(own().deposits.lock().remove(&id));
        }
    }
}

fn drop_pages(home: &Home, span: Span) {
    let memory = tori::here().memory();
    home.space.with(|space| {
        let mut debt = FlushDebt::none();
        for page in span.pages() {
            debt.merge(memory.frames(), space.drop_page(memory, page));
        }
        home.count(space);
        ((), debt)
    });
}

/// Makes the deposit of a forked child.
fn clone(id: DepositId, home: &Home, to: TorusId, child: DepositId) {
    let root = home.space.fork_frozen().ok().and_then(|space| {
        let root: Frame = space.root();
        let deposit = fallible::arc(Home::new(child, space)).ok()?;
        own().deposits.lock().put(child, deposit.clone()).ok()?;
        deposit.space.look(|space| deposit.count(space));
        Some(root)
    });
    event(id, DepositEvent::Cloned { to, child, root });
}

/// Has a space stay here under a new name, while its process is offered to another torus. [`NoMemory`] without memory to note it.
pub fn leave(space: &Arc<Space>) -> Result<DepositId, NoMemory> {
    let id = own().names.lock().give();
    let home = fallible::arc(Home::new(id, space.clone()))?;
    own().deposits.lock().put(id, home)?;
    Ok(id)
}

/// The process stays after all: its space is nobody else's.
pub fn take_back(id: DepositId) -> Option<Arc<Space>> {
    let home = own().deposits.lock().remove(&id)?;
    Some(home.space.clone())
}

/// The process has been taken in elsewhere, with the claims that it had; what is left here is asked for from there.
pub fn keep(id: DepositId) {
    let Some(home) = own().deposit(id) else {
        return;
    };
    home.space.with_pages(|space, remote| {
        if let Some(host) = migrated::of(remote) {
            migrated::unregister(host.resident.claims());
            let _ = migrated::step(space, &mut host.resident, Event::Adopted);
        }
        *remote = None;
    });
    // Its process finds objects by its mappings.
    home.space.with(|space| {
        let debt = space.forget_objects(tori::here().memory());
        home.count(space);
        ((), debt)
    });
}

/// The name that pages of a deposit have in the reverse map.
pub fn lineage(id: DepositId) -> Option<Owner> {
    let home = own().deposit(id)?;
    Some(home.space.look(|space| space.lineage()))
}
