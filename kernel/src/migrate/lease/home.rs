//! The home's side: objects of this torus that others hold.

use super::{NODE, ObjectName, here, own};
use crate::mem::held::Held;
use crate::mem::object::{ObjectRef, Shown, SourceError};
use crate::mem::reclaim::{self, Room};
use crate::mem::room;
use crate::process::{Pid, closing, table};
use crate::rings;
use crate::sched;
use crate::sched::wait::Waiter;
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};
use torus::TorusId;
use torus::lease::{NoObject, Outstanding, Why};
use torus::message::Message;
use vm::frames::Owner;
use vm::hash::Digest;
use vm::space::Object;

/// The name of an object of this torus.
pub(super) fn name(object: &ObjectRef) -> Result<ObjectName, Errno> {
    room(NODE)?;
    let same = |other: &ObjectRef| other.owner() == object.owner();
    let mut lender = own().lender.lock();
    let known = lender.number_of(same);
    Ok(ObjectName {
        home: here(),
        number: known.unwrap_or_else(|| lender.add(object.clone())),
        content: object.is_content(),
    })
}

/// The object of a number. EIO when there is none.
pub(super) fn object(number: u64) -> Result<ObjectRef, Errno> {
    let lender = own().lender.lock();
    lender.object(number).cloned().ok_or(Errno::EIO)
}

/// A torus was given an object, or was not after all.
pub(super) fn hold(number: u64, holder: TorusId, change: i32) {
    let back = own().lender.lock().hold(number, holder, change.into());
    let_go(back);
}

/// Nothing maps an object any more on a torus.
pub(super) fn unhold(holder: TorusId, number: u64, count: u32) {
    let back = own().lender.lock().release(number, holder, count.into());
    let_go(back);
}

/// Drops what has come back, where no lock is held.
fn let_go(back: Result<Outstanding<ObjectRef, Held>, NoObject>) {
    match back {
        Ok(Outstanding { object, pages }) => {
            // What was written through mappings elsewhere is nowhere else.
            pages.iter().for_each(Held::mark_dirty);
            drop(pages);
            if object.is_some() {
                drop(object);
                table().emptied.wake_all();
                closing::look();
            }
        }
        Err(error) => log::error!("{error}"),
    }
}

/// A holder has copied a page.
pub(super) fn copied(holder: TorusId, number: u64, index: u64) {
    let page = own().lender.lock().copied(number, holder, index);
    drop(page);
}

/// A holder has forgotten what was cut.
pub(super) fn forgotten(holder: TorusId, number: u64, cut: u64) {
    let pages = own().lender.lock().forgotten(number, holder, cut);
    drop(pages);
}

/// The object of this name was cut: who has been lent pages from `from` on is told to forget them.
pub fn cut(owner: Owner, from: u64) {
    let same = |object: &ObjectRef| object.owner() == owner;
    let cut = own().lender.lock().cut(from, same);
    let Some(torus::lease::Cut {
        object,
        cut,
        holders,
    }) = cut
    else {
        return;
    };
    for holder in holders {
        rings::send(holder, Message::Cut { object, from, cut });
    }
}

/// A page that is waited for, on behalf of another torus. Woken, it has its own torus look at the page again, with no lock held.
struct Lending {
    again: Message,
    woken: AtomicBool,
}

impl Waiter for Lending {
    fn wake(self: Arc<Self>) {
        if !self.woken.swap(true, Ordering::AcqRel) {
            rings::send(here(), self.again);
        }
    }

    fn is_gone(&self) -> bool {
        self.woken.load(Ordering::Acquire)
    }
}

/// Lends a page to a torus that holds the object, as soon as it is in a frame.
pub(super) fn lend(holder: TorusId, lease: u64, number: u64, index: u64, asker: Pid) {
    let Ok(object) = object(number) else {
        // Given up meanwhile.
        return;
    };
    let again = Message::LendAgain {
        object: number,
        index,
        holder,
        lease,
        asker,
    };
    let lending = room(NODE).is_ok().then(|| {
        let woken = AtomicBool::new(false);
        Arc::new(Lending { again, woken })
    });
    let page = match lending {
        Some(lending) => sched::on_behalf(lending.clone(), || page(&object, index, &lending)),
        None => Err(SourceError::NoMemory),
    };
    let why = match page {
        Ok(page) => return send(holder, lease, (number, index), &object, page),
        Err(SourceError::Wait) => return,
        Err(SourceError::BeyondEnd) => Why::BeyondEnd,
        Err(SourceError::NoMemory | SourceError::Lost) => Why::Lost,
    };
    let message = Message::NotLent {
        lease,
        index,
        asker,
        why,
    };
    rings::send(holder, message);
}

/// The page, with room made for it where there is none.
fn page(object: &ObjectRef, index: u64, lending: &Arc<Lending>) -> Result<Shown, SourceError> {
    loop {
        let page = object.0.page(index);
        if !matches!(page, Err(SourceError::NoMemory)) {
            return page;
        }
        let vain = &own().vain;
        let (room, tries) = reclaim::attempt(vain.load(Ordering::Relaxed));
        vain.store(tries, Ordering::Relaxed);
        match room {
            Room::Made => {}
            Room::Wait => {
                if tries > 0 {
                    Waiter::wake(lending.clone());
                }
                return Err(SourceError::Wait);
            }
            Room::None => return page,
        }
    }
}

fn send(holder: TorusId, lease: u64, (number, index): (u64, u64), object: &ObjectRef, page: Shown) {
    let held = match page {
        Shown::Frame(held) => Some(held),
        // An object of this torus is not lent to it.
        Shown::Zero | Shown::Lent(_) => None,
    };
    let frame = held.as_ref().map(Held::frame).unwrap_or_default();
    let message = if object.is_content() {
        let root = object.0.root(index).unwrap_or(Digest::ZERO);
        let words = root.0.as_chunks::<8>().0;
        let word = |at: usize| words.get(at).map_or(0, |word| u64::from_le_bytes(*word));
        Message::Content {
            lease,
            index,
            frame,
            root0: word(0),
            root1: word(1),
            root2: word(2),
            root3: word(3),
        }
    } else {
        Message::Lent {
            lease,
            index,
            frame,
        }
    };
    if let Some(held) = held {
        let before = own().lender.lock().lend(number, holder, index, held);
        drop(before);
    }
    rings::send(holder, message);
}
