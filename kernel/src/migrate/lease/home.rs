//! The home's side: objects of this torus that others hold.

use super::{ObjectName, here, own};
use crate::mem::held::Held;
use crate::mem::object::{ObjectRef, Shown, SourceError};
use crate::mem::reclaim::{self, Room};
use crate::process::{Pid, closing};
use crate::rings::{self, Places};
use crate::sched;
use crate::sched::wait::Waiter;
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};
use fallible::insist;
use torus::TorusId;
use torus::lease::{Cut, Look, NoObject, Outstanding, Unlent, Why};
use torus::message::Message;
use vm::addr::Frame;
use vm::frames::Owner;
use vm::hash::Digest;
use vm::space::Object;

/// Names an object of this torus to another one, which is counted for it from then on. ENOMEM without memory for it.
pub fn give(object: &ObjectRef, to: TorusId) -> Result<ObjectName, Errno> {
    let same = |other: &ObjectRef| other.owner() == object.owner();
    let given = {
        let _held = insist();
        own().lender.lock().give(object.clone(), to, same)
    };
    let (number, back) = given?;
    let_go(Ok(back));
    Ok(ObjectName {
        home: here(),
        number,
        content: object.is_content(),
    })
}

/// Whether another torus holds the object.
pub fn is_held(object: &ObjectRef) -> bool {
    let same = |other: &ObjectRef| other.owner() == object.owner();
    own().lender.lock().has(same)
}

/// The object of a number. EIO when there is none.
pub fn object(number: u64) -> Result<ObjectRef, Errno> {
    let lender = own().lender.lock();
    lender.object(number).cloned().ok_or(Errno::EIO)
}

/// A torus was given an object, or was not after all.
pub fn hold(number: u64, holder: TorusId, change: i32) {
    let _held = insist();
    let back = own().lender.lock().hold(number, holder, change.into());
    let_go(back);
}

/// Nothing maps an object any more on a torus.
pub fn unhold(holder: TorusId, number: u64, count: u32) {
    let _held = insist();
    let back = own().lender.lock().release(number, holder, count.into());
    let_go(back);
}

/// Drops what has come back, where no lock is held.
fn let_go(back: Result<Outstanding<ObjectRef, Held>, NoObject>) {
    match back {
        Ok(Outstanding { object, pages }) => {
            // Bytes that were written through mappings elsewhere are in no other copy.
            pages.iter().for_each(Held::mark_dirty);
            drop(pages);
            if object.is_some() {
                drop(object);
                closing::look();
            }
        }
        Err(error) => log::error!("{error}"),
    }
}

/// A holder has copied a page.
pub fn copied(holder: TorusId, number: u64, index: u64) {
    let page = own().lender.lock().copied(number, holder, index);
    drop(page);
}

/// A holder has forgotten what was cut.
pub fn forgotten(holder: TorusId, number: u64, cut: u64) {
    let pages = own().lender.lock().forgotten(number, holder, cut);
    drop(pages);
}

/// The object of this name was cut: who has been lent pages from `from` on is told to forget them.
pub fn cut(owner: Owner, from: u64) {
    let same = |object: &ObjectRef| object.owner() == owner;
    let _held = insist();
    own().lender.lock().cut(from, same, |cut| {
        let Cut {
            holder,
            object,
            from,
            cut,
        } = cut;
        rings::send(holder, Message::Cut { object, from, cut });
    });
}

/// A page that is waited for, on behalf of another torus. Woken, it has its own torus look at the page again, with no lock held.
struct Lending {
    again: Message,
    woken: AtomicBool,
    _places: Places,
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

/// A page that a torus has asked for.
#[derive(Clone, Copy)]
pub struct Wish {
    /// The torus that asks.
    pub holder: TorusId,
    /// Its number of the lease.
    pub lease: u64,
    /// The object's number here.
    pub object: u64,
    /// Which page of it.
    pub index: u64,
    /// The process that touches it.
    pub asker: Pid,
}

/// Lends a page to a torus that holds the object, as soon as it is in a frame.
pub fn lend(wish: Wish) {
    loop {
        let looked = own()
            .lender
            .lock()
            .look(wish.object)
            .map(|(look, object)| (look, object.clone()));
        // Given up meanwhile.
        let Some((look, object)) = looked else { return };
        let why = match find(&wish, &object) {
            Ok(page) => match send(&wish, look, &object, page) {
                Err(Unlent::Cut(_)) => continue,
                Ok(()) | Err(Unlent::Gone(_)) => return,
            },
            Err(SourceError::Wait) => return,
            Err(SourceError::BeyondEnd | SourceError::Full) => Why::BeyondEnd,
            Err(SourceError::NoMemory | SourceError::Lost) => Why::Lost,
        };
        let Wish {
            holder,
            lease,
            index,
            asker,
            ..
        } = wish;
        let message = Message::NotLent {
            lease,
            index,
            asker,
            why,
        };
        return rings::send(holder, message);
    }
}

/// Looks for a page; when it is waited for, its torus is told to look again.
fn find(wish: &Wish, object: &ObjectRef) -> Result<Shown, SourceError> {
    let Wish {
        holder,
        lease,
        object: number,
        index,
        asker,
    } = *wish;
    let again = Message::LendAgain {
        object: number,
        index,
        holder,
        lease,
        asker,
    };
    let woken = AtomicBool::new(false);
    let lending = {
        // Without it the page would be lost to who asks.
        let _held = insist();
        let _places = Places::reserve(1)?;
        fallible::arc(Lending {
            again,
            woken,
            _places,
        })?
    };
    let page = sched::on_behalf(lending.clone(), || page(object, index, &lending))?;
    match page {
        // Only content has pages without a frame here, and objects of other tori are not lent.
        Shown::Zero | Shown::Lent(_) if !object.is_content() => Err(SourceError::Lost),
        page => Ok(page),
    }
}

/// The page, with room made for it where there is none.
fn page(object: &ObjectRef, index: u64, lending: &Arc<Lending>) -> Result<Shown, SourceError> {
    loop {
        let page = object.0.page(index);
        if !matches!(page, Err(SourceError::NoMemory)) {
            return page;
        }
        let vain = &own().vain;
        let (room, tries) = reclaim::attempt(vain.load(Ordering::Relaxed), None);
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

/// Lends a page and says so, with the lender locked: a cut is told of before or after, as it happens.
fn send(wish: &Wish, look: Look, object: &ObjectRef, page: Shown) -> Result<(), Unlent> {
    let Wish {
        holder,
        lease,
        index,
        ..
    } = *wish;
    let root = object.is_content().then(|| root_words(object, index));
    let message = |frame: Frame| match root {
        Some([root0, root1, root2, root3]) => Message::Content {
            lease,
            index,
            frame,
            root0,
            root1,
            root2,
            root3,
        },
        None => Message::Lent {
            lease,
            index,
            frame,
        },
    };
    let Shown::Frame(held) = page else {
        // Content of zeros is in no frame.
        rings::send(holder, message(Frame::default()));
        return Ok(());
    };
    let tell = |held: &Held| rings::send(holder, message(held.frame()));
    let _held = insist();
    let lent = own().lender.lock().lend(look, holder, index, held, tell);
    match lent {
        Ok(before) => {
            drop(before);
            Ok(())
        }
        Err((why, held)) => {
            drop(held);
            Err(why)
        }
    }
}

/// The root of a page of content, in words.
fn root_words(object: &ObjectRef, index: u64) -> [u64; 4] {
    let root = object.0.root(index).unwrap_or(Digest::ZERO);
    let words = root.0.as_chunks::<8>().0;
    core::array::from_fn(|at| words.get(at).map_or(0, |word| u64::from_le_bytes(*word)))
}
