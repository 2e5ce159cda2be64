//! Shared memory of processes that move, as the kernel of a home and of a holder has it. An object has one page.

use torus::{
    TorusId,
    lease::{Answer, Known, Lease, Message, Recall, Refusal},
    pid::Pid,
};
use vm::addr::{Frame, Page};

use super::{
    Outcome, World, Wrong,
    memory::{Backing, Entry},
};

/// An object of another torus.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Held {
    /// The machine under test.
    pub lease: Lease,
    /// Address spaces on this torus that map it, frozen ones among them.
    pub users: u32,
    /// How often this torus was given it.
    pub given: i32,
}

impl World {
    /// What a page becomes for a process that goes from `at` to `to`, which is counted for it.
    pub(super) fn take(
        &mut self,
        at: TorusId,
        to: TorusId,
        backing: Backing,
    ) -> Result<Backing, Wrong> {
        let (home, number) = match backing {
            Backing::Private => return Ok(backing),
            Backing::Far(home, number) => (home, number),
            Backing::Own(object) => {
                let torus = self.torus(at);
                if !torus.lender.has(object) {
                    torus.use_object(object);
                }
                let number = torus.lender.give(object, object, to).expect("memory");
                return Ok(Backing::Far(at, number));
            }
        };
        self.hold(at, home, number, to, 1)?;
        Ok(Backing::Far(home, number))
    }

    /// Tells the home of an object that `holder` was given it, or was not after all.
    pub(super) fn hold(
        &mut self,
        at: TorusId,
        home: TorusId,
        object: u64,
        holder: TorusId,
        change: i32,
    ) -> Outcome {
        if holder == home {
            return Ok(());
        }
        if at == home {
            return self.held(at, object, holder, change);
        }
        let message = Message::Hold {
            object,
            holder,
            change,
        };
        self.send(at, home, message);
        Ok(())
    }

    fn held(&mut self, at: TorusId, number: u64, holder: TorusId, change: i32) -> Outcome {
        let torus = self.torus(at);
        let gone = torus.lender.hold(number, holder, change);
        if let Some(gone) = gone.map_err(|error| Wrong(error.to_string()))? {
            gone.pages.for_each(|frame| torus.frames.free(frame));
            torus.leave_object(gone.object);
        }
        Ok(())
    }

    /// Takes back all that `holder` was lent.
    fn recall(&mut self, at: TorusId, number: u64, holder: TorusId) {
        let torus = self.torus(at);
        let mut rest = Some(Recall::ALL);
        while let Some(what) = rest {
            let part = torus.lender.take_back(number, holder, what);
            let pages = part.pages.into_iter();
            pages.for_each(|frame| torus.frames.free(frame));
            rest = part.rest;
        }
    }

    /// What a page is to a process that comes to `at`.
    pub(super) fn arrive(&mut self, at: TorusId, backing: Backing) -> Result<Backing, Wrong> {
        let Backing::Far(home, number) = backing else {
            return Ok(backing);
        };
        let next = self.torus(at).next_lease();
        let torus = self.torus(at);
        if home == at {
            let object = torus.lender.object(number).copied();
            let object = object.ok_or_else(|| Wrong(format!("object {number} is gone")))?;
            torus.use_object(object);
            return Ok(Backing::Own(object));
        }
        let held = torus.leases.entry((home, number)).or_insert_with(|| Held {
            lease: Lease::new(next),
            users: 0,
            given: 0,
        });
        (held.users, held.given) = (held.users + 1, held.given + 1);
        Ok(backing)
    }

    /// A process touches a page of another torus's object.
    pub(super) fn touch_far(
        &mut self,
        at: TorusId,
        pid: Pid,
        page: Page,
        (home, number): (TorusId, u64),
    ) -> Result<bool, Wrong> {
        let held = self.torus(at).leases.get_mut(&(home, number));
        let Some(Held { lease, .. }) = held else {
            return Err(Wrong(format!("{page:?} of {pid} is not held")));
        };
        match lease.look(0, pid) {
            Known::Lent(Frame(frame)) => {
                self.set(at, pid, page, Entry::Lent(home, frame));
                self.statistics.leased += 1;
                return Ok(true);
            }
            Known::Refused(_) => {
                self.kill(at, pid)?;
                return Ok(false);
            }
            Known::Content(_) => return Err(Wrong("shared memory changes".into())),
            Known::Asked => {}
            Known::Nothing => {
                lease.asked(0).expect("memory");
                let (lease, index, asker, object) = (lease.number(), 0, pid, number);
                let message = Message::Lend {
                    object,
                    lease,
                    index,
                    asker,
                };
                self.send(at, home, message);
            }
        }
        if let Some(process) = self.process(at, pid) {
            process.waits = Some(page);
        }
        Ok(false)
    }

    /// A message about leases.
    pub(super) fn about_lease(&mut self, at: TorusId, from: TorusId, message: Message) -> Outcome {
        match message {
            Message::Hold {
                object,
                holder,
                change,
            } => self.held(at, object, holder, change),
            Message::Unhold { object, count } => {
                self.recall(at, object, from);
                self.held(at, object, from, count.cast_signed().wrapping_neg())
            }
            Message::Lend {
                object,
                lease,
                index,
                asker,
            } => {
                let torus = self.torus(at);
                let looked = torus
                    .lender
                    .look(object)
                    .map(|(look, number)| (look, *number));
                let (look, number) =
                    looked.ok_or_else(|| Wrong(format!("object {object} is gone")))?;
                let Some(frame) = torus.object_frame(number) else {
                    let why = Refusal::Lost;
                    let message = Message::NotLent {
                        lease,
                        index,
                        asker,
                        why,
                    };
                    self.send(at, from, message);
                    return Ok(());
                };
                torus.frames.share(frame);
                let before = torus.lender.lend(look, from, index, frame, |_| ());
                let before = before.map_err(|(error, _)| Wrong(error.to_string()))?;
                before
                    .into_iter()
                    .for_each(|frame| torus.frames.free(frame));
                let frame = Frame(frame);
                let message = Message::Lent {
                    lease,
                    index,
                    frame,
                };
                self.send(at, from, message);
                Ok(())
            }
            Message::Lent {
                lease,
                index,
                frame,
            } => {
                self.answered(at, from, lease, (index, Pid::INIT), Answer::Lent(frame));
                Ok(())
            }
            Message::NotLent {
                lease,
                index,
                asker,
                why,
            } => {
                self.answered(at, from, lease, (index, asker), Answer::Refused(why));
                Ok(())
            }
            other => Err(Wrong(format!("nobody sends {other:?} here"))),
        }
    }

    fn answered(
        &mut self,
        at: TorusId,
        from: TorusId,
        lease: u64,
        (index, asker): (u64, Pid),
        answer: Answer,
    ) {
        let torus = self.torus(at);
        let mut leases = torus.leases.iter_mut();
        let is_it = |home: TorusId, held: &Held| home == from && held.lease.number() == lease;
        let Some((key, held)) = leases.find(|((home, _), held)| is_it(*home, held)) else {
            return;
        };
        held.lease.answered(index, asker, answer);
        let far = Backing::Far(key.0, key.1);
        for process in torus.processes.values_mut() {
            let memory = process.memory.as_ref();
            let waits = |page: &Page| memory.is_some_and(|m| m.mapped.get(page) == Some(&far));
            if process.waits.as_ref().is_some_and(waits) {
                process.waits = None;
            }
        }
    }

    /// Gives back what nothing maps any more.
    pub(super) fn sweep_leases(&mut self) {
        for at in TorusId::first(self.tori.len()) {
            let unused = |held: &Held| held.users == 0;
            let leases = &self.torus(at).leases;
            let unused = leases.iter().filter(|(_, held)| unused(held));
            let unused: Vec<_> = unused.map(|(key, held)| (*key, held.given)).collect();
            for ((home, object), count) in unused {
                self.torus(at).leases.remove(&(home, object));
                let count = count as u32;
                self.send(at, home, Message::Unhold { object, count });
            }
        }
    }
}
