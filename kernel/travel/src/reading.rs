//! Pages of deposits that are in swap slots: they are read back before they are granted.

use super::home::{self, Home};
use super::wish::Wished;
use fallible::NoMemory;
use mem::OfTorus as _;
use mem::reclaim::Room;
use mem::swap::{Asked, PageName};
use torus::DepositId;
use torus::migrate::DepositEvent;
use torus::migrate::Message;
use vm::addr::Page;
use vm::frames::Use;
use vm::space::Kept;

/// Reads a page back, and tells the deposit when it has come, or cannot.
pub(crate) fn read_in(deposit: DepositId, home: &Home, page: Page) {
    let reading = Wished::new(Message::PageRead { deposit, page });
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
fn ask(home: &Home, page: Page, reading: &Wished<Message>) -> Option<Asked> {
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
        match reading.make_room(&home.retry) {
            Room::Made => {}
            Room::Wait => return Some(Asked::Wait),
            Room::None => return asked,
        }
    }
}
