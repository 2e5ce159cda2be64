//! Families of processes that live on several tori: who is whose child, who waits for whom, who is in which group.
//!
//! *Roles.* Each torus has its [`Families`]: a record of every process that is there (its *kin*) and the ids that were
//! given there ([`Births`]). The record travels with the process. A parent's record lists its children with what it
//! has heard of them, so that waiting for children asks nobody. What the kernel does for it is a [`World`].
//!
//! *Flow.* Whatever one process tells another is a message to it, delivered by [`route`]: at once when both are on one
//! torus, else by way of the birth torus of the receiver. So each step is written once, for neighbours and for processes
//! at two ends of the machine.
//!
//! ```text
//! child                          parent                       first process (init)
//!  ends, is a zombie  ─Exited─►   notes it; SIGCHLD
//!                                 waits: collects it
//!  is gone            ◄──Reap──   forgets the child
//!  ─Reaped─► birth torus: the id is free
//!
//!                                 ends:           ─Adopt─►     has one more child (or zombie)
//!  has a new parent  ◄─Orphaned─
//! ```
//! A process may make a sibling: a child of its parent, which is told so by the same *Adopt*. A parent that has ended when that comes passes
//! the child on to init.
//!
//! A child that ends while its parent does has told a zombie, or nobody: the message is sent on to init. Whoever adopts may
//! hear of the end before it hears of the child, and does not tell the program before it has heard both.
//!
//! Signals to a group, or to everybody, are told to all tori by [`crowd`], and so is what is asked of the nice values of many. What else one process
//! asks of another is an [`Order`].
//!
//! *Memory.* Lists grow by a few words for each process; a torus that has no memory for a note of another torus's
//! process drops it as said at each place, and never fails.

mod crowd;
mod end;
mod fields;
mod group;
mod message;
mod news;
mod order;
mod route;
mod travel;
mod wait;

pub use crowd::Count;
pub use message::Message;
pub use news::{Carried, Crowd, Ended, Members, News, Report, Sent, Struck, Told};
pub use order::{Answer, By, Order};
pub use travel::TravelError;
pub use wait::{Found, NoChild, Wanted, Whom};

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use fallible::{NoMemory, TryMap};

use crate::{
    TorusId,
    pid::{Births, Pid, PidError},
};
use crowd::Crowds;
use travel::Transit;

/// What a kernel does for its families. Nothing of it may come back to them.
pub trait World {
    /// Sends a message to a torus, this one among them.
    fn send(&mut self, to: TorusId, message: Message);
    /// Gives a signal, never 0, to a living process that is here.
    fn signal(&mut self, to: Pid, sent: Sent, carried: Carried) -> Struck;
    /// Whether a process that is here may be sent this by its sender, as far as users go.
    fn permits(&self, to: Pid, sent: Sent) -> bool;
    /// What a process that is here makes of an order.
    fn order(&mut self, pid: Pid, by: By, order: Order) -> Answer;
    /// The real user of a process that is here.
    fn user(&self, pid: Pid) -> Option<u32>;
    /// Tells a living process that is here of its child: SIGCHLD, and a wait for children looks again.
    fn child(&mut self, parent: Pid, child: Pid, news: News);
    /// Tells a living process that is here that its parent, of this user, has ended.
    fn orphaned(&mut self, pid: Pid, by: Pid, uid: u32);
    /// Whether the process, which is here, wants to collect its children.
    fn collects(&self, parent: Pid) -> bool;
    /// A living process that is here is to go to another torus, by the wish of its parent, whose call waits for the token: the answer,
    /// or none if it comes later.
    fn push(&mut self, pid: Pid, torus: TorusId, asker: (Pid, u64)) -> Option<i32>;
    /// The answer has come that a call of the process waits for.
    fn answered(&mut self, pid: Pid);
    /// The process's record is gone: nobody will ask for it any more.
    fn gone(&mut self, pid: Pid);
    /// Sets a place aside for a message that is kept, to be sent later with others; false: there is no memory.
    fn reserve(&mut self) -> bool {
        true
    }
    /// Gives up so many of these places.
    fn release(&mut self, _: usize) {}
    /// Between rounds of what is done for each of many processes: what waits for the core may have it for a moment.
    fn pause(&mut self) {}
}

/// How a process ended, or that it has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Life {
    /// It runs, waits or is stopped.
    Live,
    /// It has ended, and nobody has collected it.
    Zombie,
}

/// Processes that are looked at between two pauses.
const PIECE: usize = 16;

/// What a parent knows of a child.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Child {
    group: Pid,
    /// The parent has been told that it is its child; not so of one that was adopted and has ended meanwhile.
    known: bool,
    /// Changes of state heard of: older ones come too late.
    changes: u32,
    /// The last change that was not waited for, with the child's user.
    report: Option<(Report, u32)>,
    ended: Option<Ended>,
}

impl Child {
    const fn new(group: Pid) -> Self {
        Self {
            group,
            known: true,
            changes: 0,
            report: None,
            ended: None,
        }
    }
}

/// A process that is here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Kin {
    /// None: the kernel.
    parent: Option<Pid>,
    children: BTreeMap<Pid, Child>,
    group: Pid,
    session: Pid,
    life: Life,
    /// It has executed a program since fork.
    executed: bool,
    /// It has led a group.
    led: bool,
    /// How often it has moved.
    moves: u32,
    /// Changes of state that the parent was told of.
    changes: u32,
    /// Tokens given to its calls.
    tokens: u64,
    /// The last answer to one of them.
    answer: Option<(u64, Answer)>,
    /// What crowds were told that it has heard, by origin, if these are more than its torus has heard of.
    ahead: Vec<u64>,
    /// It is on its way to another torus.
    transit: Option<Transit>,
}

impl Kin {
    const fn new(parent: Option<Pid>, group: Pid, session: Pid) -> Self {
        Self {
            parent,
            children: BTreeMap::new(),
            group,
            session,
            life: Life::Live,
            executed: false,
            led: false,
            moves: 0,
            changes: 0,
            tokens: 0,
            answer: None,
            ahead: Vec::new(),
            transit: None,
        }
    }

    fn child(&mut self, pid: Pid) -> Option<&mut Child> {
        self.children.get_mut(&pid)
    }

    /// Takes out its first child.
    fn first_child(&mut self) -> Option<(Pid, Child)> {
        let pid = *self.children.first_key_value()?.0;
        Some((pid, self.lose(pid)?))
    }

    /// A child is its child no more.
    fn lose(&mut self, pid: Pid) -> Option<Child> {
        let child = self.children.remove(&pid);
        if self.children.is_empty() {
            // The last one's memory goes back.
            self.children = BTreeMap::new();
        }
        child
    }
}

/// Why a process cannot be born.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BirthError {
    /// There is no id.
    #[error(transparent)]
    Pid(#[from] PidError),
    /// The machine is ending.
    #[error("the machine is ending")]
    Ending,
    /// There is no memory.
    #[error("no memory for a process")]
    Memory,
}

impl From<NoMemory> for BirthError {
    fn from(_: NoMemory) -> Self {
        Self::Memory
    }
}

/// The processes of one torus and their relations.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Families {
    torus: TorusId,
    tori: usize,
    kin: BTreeMap<Pid, Kin>,
    births: Births,
    crowds: Crowds,
    /// The first process has ended: whoever ends is nobody's zombie, and nobody is born.
    ending: bool,
}

impl Families {
    /// A torus of a machine with so many, without processes.
    pub const fn new(torus: TorusId, tori: usize) -> Self {
        Self {
            torus,
            tori,
            kin: BTreeMap::new(),
            births: Births::new(torus),
            crowds: Crowds::new(),
            ending: false,
        }
    }

    /// An id for a process that is to be born here.
    ///
    /// # Errors
    /// [`BirthError::Pid`].
    pub fn give(&mut self) -> Result<Pid, BirthError> {
        self.births.give().map_err(|error| match error {
            PidError::Memory => BirthError::Memory,
            error => BirthError::Pid(error),
        })
    }

    /// Takes back the id of a process that was not born.
    pub fn unborn(&mut self, pid: Pid) {
        // It was given here and has never moved: there is nothing that could be wrong about it.
        let _ = self.births.reaped(pid, 0);
    }

    /// A process is born, with an id that was given here. Its parent is here too, or the kernel.
    ///
    /// # Errors
    /// [`BirthError`].
    pub fn born(&mut self, pid: Pid, parent: Option<Pid>) -> Result<(), BirthError> {
        if self.ending {
            return Err(BirthError::Ending);
        }
        let (mut group, mut session) = (pid, pid);
        if let Some(kin) = parent.and_then(|parent| self.kin.get_mut(&parent)) {
            (group, session) = (kin.group, kin.session);
            kin.children.put(pid, Child::new(group))?;
        }
        let mut kin = Kin::new(parent, group, session);
        kin.led = parent.is_none();
        let entered = self.kin.put(pid, kin);
        if entered.is_err()
            && let Some(kin) = parent.and_then(|parent| self.kin.get_mut(&parent))
        {
            kin.lose(pid);
        }
        entered?;
        Ok(())
    }

    /// Forgets everything, at the end of the machine.
    pub fn clear(&mut self) {
        *self = Self {
            ending: true,
            ..Self::new(self.torus, self.tori)
        };
    }

    /// A process is born, with an id that was given here, as a child of the parent of `sibling`, which is here and has one.
    ///
    /// # Errors
    /// [`BirthError`].
    pub fn born_beside<W: World>(
        &mut self,
        pid: Pid,
        sibling: Pid,
        world: &mut W,
    ) -> Result<(), BirthError> {
        if self.ending {
            return Err(BirthError::Ending);
        }
        let of = self.kin.get(&sibling);
        let (parent, group, session) =
            of.map_or((None, pid, pid), |of| (of.parent, of.group, of.session));
        self.kin.put(pid, Kin::new(parent, group, session))?;
        if let Some(to) = parent {
            let adopt = Message::Adopt {
                to,
                child: pid,
                group,
                ended: None,
            };
            self.post(to, adopt, world);
        }
        Ok(())
    }

    /// Processes that are here, zombies included.
    pub fn len(&self) -> usize {
        self.kin.len()
    }

    /// Whether no process is here.
    pub fn is_empty(&self) -> bool {
        self.kin.is_empty()
    }

    /// Ids in use that were given here.
    pub fn births(&self) -> usize {
        self.births.len()
    }

    /// The parent of a process that is here.
    pub fn parent(&self, pid: Pid) -> Option<Pid> {
        self.kin.get(&pid)?.parent
    }

    /// The group of a process that is here.
    pub fn group(&self, pid: Pid) -> Option<Pid> {
        Some(self.kin.get(&pid)?.group)
    }

    /// The session of a process that is here.
    pub fn session(&self, pid: Pid) -> Option<Pid> {
        Some(self.kin.get(&pid)?.session)
    }

    /// How often a process that is here has moved.
    pub fn moves(&self, pid: Pid) -> u32 {
        self.kin.get(&pid).map_or(0, |kin| kin.moves)
    }

    /// Whether a process that is here lives; `None` for one that is not here.
    pub fn life(&self, pid: Pid) -> Option<Life> {
        Some(self.kin.get(&pid)?.life)
    }

    /// Notes that a process has executed a program.
    pub fn executed(&mut self, pid: Pid) {
        if let Some(kin) = self.kin.get_mut(&pid) {
            kin.executed = true;
        }
    }

    /// A token for a question that a call of a process asks.
    pub fn token(&mut self, pid: Pid) -> u64 {
        self.kin.get_mut(&pid).map_or(0, |kin| {
            kin.tokens += 1;
            kin.answer = None;
            kin.tokens
        })
    }

    /// Takes the answer to a question, if it has come.
    pub fn answer(&mut self, pid: Pid, token: u64) -> Option<Answer> {
        let kin = self.kin.get_mut(&pid)?;
        let (_, answer) = kin.answer.take_if(|(answered, _)| *answered == token)?;
        Some(answer)
    }
}

#[cfg(test)]
mod tests;
