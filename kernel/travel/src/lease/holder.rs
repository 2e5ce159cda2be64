//! The holder's side: objects of other tori that are mapped here.
//!
//! A lent frame may be reached by cores of this torus until every space that had it has paid its flush. So an object that nothing maps
//! any more is given back only when each space's lock has been free once since.

use super::{ObjectName, here, home, own};
use crate::TravelError;
use crate::above::processes;
use alloc::sync::Arc;
use core::sync::atomic::Ordering;
use machine::shootdown;
use mem::OfTorus as _;
use mem::frame_ref::FrameRef;
use mem::object::{Look, MemoryObject, ObjectRef, Pager, Shown, SourceError};
use mem::space::Space;
use mem::spaces::Forgotten;
use mem::spaces::Spaces;
use sync::Lock;
use sync::WaitQueue;
use tori::RemoteFrame;
use tori::pieces;
use tori::rings::{self, Places};
use torus::TorusId;
use torus::lease::Message;
use torus::lease::{Answer, Entry, Known, Lease, Refusal};
use torus::pid::Pid;
use vm::addr::Frame;
use vm::frames::{Owner, Use};
use vm::hash::Digest;
use vm::space::{Backing, Object};

/// Objects that are given back at once.
const AT_ONCE: usize = 32;

/// The pages of an object of another torus.
pub struct Leased {
    name: ObjectName,
    lease: Lock<Lease>,
    /// Threads that wait for its pages.
    waiters: WaitQueue,
}

/// What an object of another torus is here, if it is one.
pub fn of(object: &MemoryObject) -> Option<&Leased> {
    object.pager()
}

impl Leased {
    /// What it is called.
    pub fn name(&self) -> ObjectName {
        self.name
    }

    /// Whether page `index` is in this frame of the home's, which has lent it.
    #[cfg(feature = "checked")]
    pub fn has_lent(&self, index: u64, frame: Frame) -> bool {
        self.lease.lock().lent(index) == Some(frame)
    }
}

impl Pager for Leased {
    fn len(&self) -> u64 {
        u64::MAX
    }

    fn is_content(&self) -> bool {
        self.name.content
    }

    fn look(&self, owner: Owner) -> Look<'_> {
        Look::Each(self, owner)
    }

    fn ended(&self) {
        let lease = self.lease.lock().number();
        let name = (self.name.home, self.name.number);
        own().held.lock().end(name, lease);
        own().ended.store(true, Ordering::Release);
        machine::cpu::request_resched();
    }

    /// What page `index` shows; its home is asked when that is not known.
    fn page(&self, owner: Owner, index: u64) -> Result<Shown, SourceError> {
        let asker = processes().asker();
        let mut lease = self.lease.lock();
        match lease.look(index, asker) {
            Known::Lent(frame) => {
                let frame = RemoteFrame::of(self.name.home, frame);
                return frame.map(Shown::Lent).ok_or(SourceError::Lost);
            }
            Known::Refused(Refusal::BeyondEnd) => return Err(SourceError::BeyondEnd),
            Known::Refused(Refusal::Lost) => return Err(SourceError::Lost),
            Known::Content(root) if root == [0; 4] => return Ok(Shown::Zero),
            Known::Content(root) => {
                let cache = &tori::here().kept().page_cache;
                if let Some(frame) = cache.search(owner).find(&digest(root), index) {
                    return Ok(Shown::Frame(frame));
                }
            }
            Known::Asked => {
                self.waiters.enrol();
                return Err(SourceError::Wait);
            }
            Known::Nothing => {}
        }
        // Content is copied when it comes.
        let lacks = self.is_content() && tori::here().for_programs() == 0;
        if lacks || lease.asked(index).is_err() {
            return Err(SourceError::NoMemory);
        }
        self.waiters.enrol();
        let ObjectName { home, number, .. } = self.name;
        let message = Message::Lend {
            object: number,
            lease: lease.number(),
            index,
            asker,
        };
        rings::send(home, message);
        Err(SourceError::Wait)
    }

    /// The frame of page `index`, if this torus's cache has it.
    fn present(&self, owner: Owner, index: u64) -> Option<FrameRef> {
        let asker = processes().asker();
        if !self.is_content() {
            return None;
        }
        match self.lease.lock().look(index, asker) {
            Known::Content(root) => {
                let cache = &tori::here().kept().page_cache;
                cache.search(owner).find(&digest(root), index)
            }
            _ => None,
        }
    }
}

impl Drop for Leased {
    fn drop(&mut self) {
        self.lease.get_mut().clear(pieces::step);
    }
}

fn digest(root: [u64; 4]) -> Digest {
    let mut bytes = [0; 32];
    for (to, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(root) {
        *to = word.to_le_bytes();
    }
    Digest(bytes)
}

/// The object of a name, for a process that comes: the own one, or what stands for another torus's here. Until the process has
/// [settled](settle) this torus is not counted for it. ENOMEM without memory, EIO when there is none.
pub fn take(name: ObjectName) -> Result<ObjectRef, TravelError> {
    if name.home == here() {
        return home::object(name.number);
    }
    loop {
        let known = own().held.lock().object((name.home, name.number));
        match known {
            Some(Some(object)) => return Ok(ObjectRef(object)),
            // One that has just ended is given back first, so that nothing of the new one goes with it.
            Some(None) => {
                sweep();
                shootdown::serve();
            }
            None => {
                if let Some(object) = add(name)? {
                    return Ok(object);
                }
            }
        }
    }
}

/// Makes what stands for an object here; none if another core has done so meanwhile.
fn add(name: ObjectName) -> Result<Option<ObjectRef>, TravelError> {
    let lease = own().next.fetch_add(1, Ordering::Relaxed);
    let leased = Leased {
        name,
        lease: Lock::new(Lease::new(lease)),
        waiters: WaitQueue::new(),
    };
    let object = MemoryObject::of_pager(fallible::boxed(leased)?)?;
    // That it is given back, and that it goes along to another torus, or does not after all.
    let places = Places::reserve(3)?;
    let entry = Entry::new(&object.0, lease, places);
    let added = own().held.lock().add((name.home, name.number), entry)?;
    Ok(added.then_some(object))
}

/// An object of another torus, for which its home has counted this one. Without memory ENOMEM: the count is still this torus's to
/// [refuse].
pub fn given(home: TorusId, number: u64) -> Result<ObjectRef, TravelError> {
    let name = ObjectName {
        home,
        number,
        content: false,
    };
    let object = take(name);
    match (&object, own().held.lock().get_mut((home, number))) {
        (Ok(_), Some(entry)) => entry.holds += 1,
        (Err(TravelError::NoMemory(_)), _) => {}
        _ => refuse(home, number),
    }
    object
}

/// This torus does not take an object for which its home has counted it.
pub fn refuse(home: TorusId, number: u64) {
    super::hold(home, number, here(), -1);
}

/// A process has come to stay: this torus is counted for its objects from now on.
pub fn settle(space: &Space) {
    space.look(|space| {
        let mut held = own().held.lock();
        for mapping in space.mappings(tori::here().memory()) {
            if let Backing::Object { object, .. } = &mapping.backing
                && let Some(leased) = of(&object.0)
                && let Some(entry) = held.get_mut((leased.name.home, leased.name.number))
            {
                entry.holds += 1;
            }
        }
    });
}

/// Gives back what has ended. On a core that holds no lock.
pub fn sweep() {
    let ended = &own().ended;
    if !ended.load(Ordering::Relaxed) || !ended.swap(false, Ordering::AcqRel) {
        return;
    }
    let next = || own().held.lock().take_ended();
    let mut some = false;
    loop {
        let mut gone = heapless::Vec::<_, AT_ONCE>::new();
        while !gone.is_full()
            && let Some(ended) = next()
        {
            // There is room.
            let _ = gone.push(ended);
        }
        if gone.is_empty() {
            break;
        }
        // Once for all of them.
        let forgotten = tori::here().part::<Spaces>().settle();
        for ((home, object), count) in gone {
            if count > 0 {
                answer(home, Message::Unhold { object, count }, &forgotten);
            }
            let entry = own().held.lock().remove((home, object));
            drop(entry);
            pieces::step();
        }
        some = true;
    }
    if some {
        processes().emptied();
    }
}

/// A home has lent a page.
pub fn lent(from: TorusId, lease: u64, index: u64, frame: Frame) {
    answered(from, lease, index, Pid::INIT, Answer::Lent(frame));
}

/// The process does not get the page.
pub fn not_lent(from: TorusId, lease: u64, index: u64, asker: Pid, why: Refusal) {
    answered(from, lease, index, asker, Answer::Refused(why));
}

/// A page that never changes has this root, and is in this frame until its home hears that this torus has it.
pub fn content(from: TorusId, lease: u64, index: u64, frame: Frame, root: [u64; 4]) {
    let found = own().held.lock().leased(from, lease);
    if let Some((found, object)) = found {
        if let Some(frame) = RemoteFrame::of(from, frame) {
            keep(&found, index, frame, root);
        }
        rings::send(from, Message::HaveContent { object, index });
    }
    answered(from, lease, index, Pid::INIT, Answer::Content(root));
}

/// A home has answered what was asked. Not when nothing maps the object any more.
fn answered(from: TorusId, lease: u64, index: u64, asker: Pid, answer: Answer) {
    let found = own().held.lock().leased(from, lease);
    if let Some(leased) = found.as_ref().and_then(|(object, _)| of(object)) {
        leased.lease.lock().answered(index, asker, answer);
        leased.waiters.wake_all();
    }
}

/// Takes a page that never changes into the cache, if its content is not there. Without memory it is asked for again.
fn keep(object: &Arc<MemoryObject>, index: u64, frame: RemoteFrame, root: [u64; 4]) {
    if root == [0; 4] {
        return;
    }
    let (root, owner) = (digest(root), ObjectRef(object.clone()).owner());
    let cache = &tori::here().kept().page_cache;
    if cache.search(owner).find(&root, index).is_some() {
        return;
    }
    if let Some(mut held) = FrameRef::new(Use::Cached) {
        // The home keeps the frame until it hears that this torus has the page.
        held.fill(|page| frame.copy_to(page));
        drop(cache.offer(root, held, owner, index));
    }
}

/// The object was cut: nobody here reaches what lies behind any more.
pub fn cut(from: TorusId, object: u64, page: u64, cut: u64) {
    let spaces = tori::here().part::<Spaces>();
    let found = own().held.lock().object((from, object)).flatten();
    let forgotten = match found.as_ref().and_then(|found| Some((found, of(found)?))) {
        Some((found, leased)) => {
            leased.lease.lock().cut(page, pieces::step);
            spaces.cut(ObjectRef(found.clone()).owner(), page)
        }
        // It has ended, but perhaps on another core just now.
        None => spaces.settle(),
    };
    let message = Message::Forgotten {
        object,
        from: page,
        cut,
    };
    answer(from, message, &forgotten);
}

/// Tells a home that frames of its are not reached from here any more.
fn answer(home: TorusId, message: Message, _: &Forgotten) {
    rings::send(home, message);
}
