//! Pages that have come back from the swap disk: to whom they go.

use crate::object::Objects;
use crate::reclaim::Reclaim;
use crate::spaces::Spaces;
use crate::swap::{PageName, Users};
use vm::addr::Frame;
use vm::frames::Use;
use vm::table::{Slot, TableMemory};

/// The objects and spaces of this core's torus as its swap needs them.
pub const USERS: Users = Users {
    restore,
    fewer: || tori::here().part::<Reclaim>().wake_waiting(),
};

fn restore(page: PageName, slot: Slot, frame: Frame) {
    let torus = tori::here();
    let memory = torus.memory();
    memory
        .frames()
        .assign(frame, page.used, page.owner, page.index);
    if page.used == Use::Cached {
        if let Some(object) = torus.part::<Objects>().named.find(page.owner) {
            object.restore(page.index, slot, frame);
        }
        return;
    }
    torus.part::<Spaces>().of_lineage(page.owner, |space| {
        space.look(|space| space.restore(memory, page.index, slot, frame));
        true
    });
}
