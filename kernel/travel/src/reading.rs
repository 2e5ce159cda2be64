//! Pages of deposits that are in swap slots: they are read back before they are granted.

use super::home::{self, Home};
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};
use fallible::NoMemory;
use mem::OfTorus as _;
use mem::reclaim::{self, Room};
use mem::swap::{Asked, PageName};
use sync::Waiter;
use tori::rings::{self, Places};
use torus::DepositId;
use torus::migrate::DepositEvent;
use torus::migrate::Message;
use vm::addr::Page;
use vm::frames::Use;
use vm::space::Kept;

/// A page that is waited for, on behalf of another torus. Woken, it has its torus look at the page again, with no lock held.
struct Reading {
    deposit: DepositId,
    page: Page,
    woken: AtomicBool,
    _places: Places,
}

impl Reading {
    /// What has the page looked at again; none when there has been one already.
    fn again(&self) -> Option<Message> {
        let Self { deposit, page, .. } = *self;
        let first = !self.woken.swap(true, Ordering::AcqRel);
        first.then_some(Message::PageRead { deposit, page })
    }

    /// Nobody else wakes it.
    fn look_later(&self) {
        self.again().into_iter().for_each(rings::look_later);
    }
}

impl Waiter for Reading {
    fn wake(self: Arc<Self>) {
        if let Some(again) = self.again() {
            rings::send(tori::here().id, again);
        }
    }

    fn refuse(self: Arc<Self>) {
        self.look_later();
    }

    fn is_gone(&self) -> bool {
        self.woken.load(Ordering::Acquire)
    }
}

/// Reads a page back, and tells the deposit when it has come, or cannot.
pub(crate) fn read_in(deposit: DepositId, home: &Home, page: Page) {
    let reading = {
        // Without it the page is lost to who asks.
        let _held = fallible::insist();
        Places::reserve(1).and_then(|places| {
            fallible::arc(Reading {
                deposit,
                page,
                woken: AtomicBool::new(false),
                _places: places,
            })
        })
    };
    let asked = match &reading {
        Ok(reading) => tori::on_behalf(reading.clone(), || ask(home, page, reading)),
        Err(NoMemory) => Some(Asked::NoMemory),
    };
    let good = match asked {
        Some(Asked::Wait) => return,
        Some(Asked::NoMemory | Asked::Lost) => false,
        None => true,
    };
    home::event(deposit, DepositEvent::Read { page, good });
}

/// Has a page come back from its slot, with room made for it; none when it is in no slot.
fn ask(home: &Home, page: Page, reading: &Arc<Reading>) -> Option<Asked> {
    let torus = tori::here();
    loop {
        let asked = home.space.look(|space| {
            let Some(Kept::Slot(slot)) = space.kept(torus.memory(), page) else {
                return None;
            };
            let mapping = space.find(page.start())?;
            let name = PageName {
                used: Use::Private,
                owner: space.lineage(),
                index: mapping.index(page),
            };
            let swap = torus.kept().swap();
            Some(swap.map_or(Asked::Lost, |swap| swap.bring_back(slot, name)))
        });
        if asked != Some(Asked::NoMemory) {
            return asked;
        }
        let wake = || reading.look_later();
        let (room, vain) = reclaim::attempt(home.vain.load(Ordering::Relaxed), None, wake);
        home.vain.store(vain, Ordering::Relaxed);
        match room {
            Room::Made => {}
            Room::Wait => return Some(Asked::Wait),
            Room::None => return asked,
        }
    }
}
