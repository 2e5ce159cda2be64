//! The home's side: objects of this torus that others hold.

use super::{ObjectName, here, own};
use crate::TravelError;
use crate::above::processes;
use crate::wish::Wished;
use alloc::sync::Arc;
use fallible::NoMemory;
use machine::cpu;
use mem::frame_ref::FrameRef;
use mem::object::{ObjectRef, Shown, SourceError};
use mem::reclaim::Room;
use tori::pieces;
use tori::rings;
use torus::TorusId;
use torus::lease::Message;
use torus::lease::{Cut, Look, NoObject, Outstanding, Recall, Refusal, Unlent};
use torus::pid::Pid;
use vm::addr::Frame;
use vm::frames::Owner;
use vm::hash::Digest;
use vm::space::Object;

/// Names an object of this torus to another one, which is counted for it from then on. ENOMEM without memory for it.
pub fn give(object: &ObjectRef, to: TorusId) -> Result<ObjectName, TravelError> {
    let given = own().lender.lock().give(object.owner(), object.clone(), to);
    Ok(ObjectName {
        home: here(),
        number: given?,
        content: object.is_content(),
    })
}

/// Whether another torus holds the object.
pub fn is_held(object: &ObjectRef) -> bool {
    own().lender.lock().has(object.owner())
}

/// The object of a number. EIO when there is none.
pub fn object(number: u64) -> Result<ObjectRef, TravelError> {
    let lender = own().lender.lock();
    lender.object(number).cloned().ok_or(TravelError::Unknown)
}

/// A torus was given an object, or was not after all.
pub fn hold(number: u64, holder: TorusId, change: i32) {
    let back = own().lender.lock().hold(number, holder, change);
    let_go(back);
}

/// Nothing maps an object any more on a torus, which was given it so often.
pub fn unhold(holder: TorusId, number: u64, count: u32) {
    take_back(holder, number, Recall::ALL);
    hold(number, holder, count.cast_signed().wrapping_neg());
}

/// A holder has forgotten what was cut.
pub fn forgotten(holder: TorusId, number: u64, from: u64, cut: u64) {
    take_back(holder, number, Recall::cut(from, cut));
}

/// Drops what comes back from a holder, a few pages at a time, where no lock is held.
fn take_back(holder: TorusId, number: u64, what: Recall) {
    let mut rest = Some(what);
    while let Some(what) = rest {
        let part = own().lender.lock().take_back(number, holder, what);
        part.pages.into_iter().for_each(comes_back);
        rest = part.rest;
        cpu::let_interrupts_in();
    }
}

/// Bytes that were written through mappings elsewhere are in no other copy.
fn comes_back(page: FrameRef) {
    page.mark_dirty();
}

/// Drops an object that nobody holds any more, where no lock is held.
fn let_go(back: Result<Option<Outstanding<ObjectRef, FrameRef>>, NoObject>) {
    match back {
        Ok(Some(Outstanding { object, pages })) => {
            for page in pages {
                comes_back(page);
                pieces::step();
            }
            drop(object);
            processes().emptied();
        }
        Ok(None) => {}
        Err(error) => log::error!("{error}"),
    }
}

/// A holder has copied a page.
pub fn copied(holder: TorusId, number: u64, index: u64) {
    let page = own().lender.lock().copied(number, holder, index);
    drop(page);
}

/// The object of this name was cut: who has been lent pages from `from` on is told to forget them.
pub fn cut(owner: Owner, from: u64) {
    own().lender.lock().cut(from, owner, |cut| {
        let Cut {
            holder,
            object,
            from,
            cut,
        } = cut;
        rings::send(holder, Message::Cut { object, from, cut });
    });
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

impl Wish {
    /// What has this torus try again when memory has come.
    const fn again(&self) -> Message {
        let Self {
            holder,
            lease,
            object,
            index,
            asker,
        } = *self;
        Message::LendAgain {
            object,
            index,
            holder,
            lease,
            asker,
        }
    }

    /// Says that the process does not get it.
    fn refuse(&self, why: Refusal) {
        let Self {
            holder,
            lease,
            index,
            asker,
            ..
        } = *self;
        let message = Message::NotLent {
            lease,
            index,
            asker,
            why,
        };
        rings::send(holder, message);
    }
}

/// Lends a page to a torus that holds the object, as soon as it is in a frame.
pub fn lend(wish: Wish) {
    let Ok(lending) = Wished::new(wish.again()) else {
        return wish.refuse(Refusal::Lost);
    };
    let mut lent = try_lend(&wish, &lending);
    while lent == Err(SourceError::NoMemory) {
        lent = match tori::on_behalf(lending.clone(), || lending.make_room(&own().retry)) {
            Room::Made => try_lend(&wish, &lending),
            Room::Wait => return,
            Room::None => break,
        };
    }
    match lent {
        Ok(()) | Err(SourceError::Wait) => {}
        Err(SourceError::BeyondEnd | SourceError::Full) => wish.refuse(Refusal::BeyondEnd),
        Err(SourceError::NoMemory | SourceError::Lost) => wish.refuse(Refusal::Lost),
    }
}

/// Lends a page; when it is waited for, its torus is told to look again.
fn try_lend(wish: &Wish, lending: &Arc<Wished<Message>>) -> Result<(), SourceError> {
    loop {
        let looked = own()
            .lender
            .lock()
            .look(wish.object)
            .map(|(look, object)| (look, object.clone()));
        // Given up meanwhile.
        let Some((look, object)) = looked else {
            return Ok(());
        };
        let page = match tori::on_behalf(lending.clone(), || object.0.page(wish.index))? {
            // Only content has pages without a frame here, and objects of other tori are not lent.
            Shown::Zero | Shown::Lent(_) if !object.is_content() => return Err(SourceError::Lost),
            page => page,
        };
        match send(wish, look, &object, page) {
            Err(Unlent::Cut(_)) => {}
            Err(Unlent::NoMemory(NoMemory)) => return Err(SourceError::NoMemory),
            Ok(()) | Err(Unlent::Gone(_)) => return Ok(()),
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
    let tell = |held: &FrameRef| rings::send(holder, message(held.frame()));
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
