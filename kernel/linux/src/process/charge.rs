//! What is counted of the kernel objects that programs make: for the torus that they lie on, and some for the user who has made them.
//!
//! A [`Charge`] goes with what it counts, and is let go when that is dropped. What bounds each [`Kind`] on a torus is a part of the
//! torus's memory ([`Kind::most`]), so that no kind can take all of it, whoever holds what and wherever he runs; `docs/abi.md` has the
//! table with the error numbers. Each torus counts its own. A user's bound is compared with the sum
//! of what all tori have counted for that user: the one place where a local operation reads what another torus writes, and never for user 0.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use spin::mutex::SpinMutex;
use tori::Torus;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Kind {
    /// Processes that live; by user.
    Process,
    /// Open files; one with much of its own counts as several.
    File,
    /// Pipes.
    Pipe,
    /// Pages that pipes may have (F_SETPIPE_SZ); by user.
    PipeRoom,
    /// Pages that pipes have.
    PipePage,
    /// Locks of files.
    Lock,
    /// Signals that wait with what goes with them.
    Signal,
    /// Pages of memory objects.
    ObjectPage,
}

/// How many kinds there are.
const KINDS: usize = Kind::ObjectPage as usize + 1;
/// Users that are counted on one torus at the same time; what more have is counted for the torus alone.
const USERS: usize = 64;

impl Kind {
    /// How much of it there may be on a torus with so many frames to use.
    pub const fn most(self, frames: u64) -> u64 {
        match self {
            // With its tables and the pages that it cannot do without each takes a quarter of that.
            Self::Process => frames / 64,
            // As on Linux: 1 KiB for each in a tenth.
            Self::File => frames * 4 / 10,
            Self::PipeRoom => u64::MAX,
            // A pipe has one page in any case.
            Self::Pipe | Self::PipePage => frames / 4,
            // 128 bytes for each in an eighth and in a sixteenth.
            Self::Lock => frames * 4,
            Self::Signal => frames * 2,
            // Their trees take memory besides.
            Self::ObjectPage => frames * 3 / 8,
        }
    }

    const fn is_by_user(self) -> bool {
        matches!(self, Self::Process | Self::PipeRoom)
    }
}

/// What a torus has counted. Only that writes here.
pub struct Ledger {
    all: [AtomicU64; KINDS],
    users: [User; USERS],
    /// Held while places of users are given.
    giving: SpinMutex<(), sync::Relax>,
}

/// What a user has.
struct User {
    /// Its number, while there are charges.
    id: AtomicU64,
    charges: AtomicU32,
    of: [AtomicU64; KINDS],
}

impl User {
    const fn new() -> Self {
        Self {
            id: AtomicU64::new(0),
            charges: AtomicU32::new(0),
            of: [const { AtomicU64::new(0) }; KINDS],
        }
    }

    fn is(&self, id: u32) -> bool {
        self.charges.load(Ordering::Relaxed) > 0 && self.id.load(Ordering::Relaxed) == id.into()
    }
}

tori::part!(Ledger, 16);

impl Ledger {
    /// Nothing.
    pub const fn new() -> Self {
        Self {
            all: [const { AtomicU64::new(0) }; KINDS],
            users: [const { User::new() }; USERS],
            giving: SpinMutex::new(()),
        }
    }

    /// The place of a user, who has one charge more; none when as many others have one as there are.
    fn enter(&self, id: u32) -> Option<usize> {
        let _giving = self.giving.lock();
        let found = self.users.iter().position(|user| user.is(id));
        let free = |user: &User| user.charges.load(Ordering::Relaxed) == 0;
        let place = found.or_else(|| self.users.iter().position(free))?;
        let user = &self.users[place];
        user.id.store(id.into(), Ordering::Relaxed);
        user.charges.fetch_add(1, Ordering::Relaxed);
        Some(place)
    }

    fn leave(&self, place: usize) {
        let _giving = self.giving.lock();
        self.users[place].charges.fetch_sub(1, Ordering::Relaxed);
    }

    /// Changes what is counted from one number to another.
    fn change(&self, kind: Kind, place: Option<usize>, from: u64, to: u64) {
        let more = to.wrapping_sub(from);
        let all = &self.all[kind as usize];
        let own = place.map(|place| &self.users[place].of[kind as usize]);
        for count in [Some(all), own].into_iter().flatten() {
            count.fetch_add(more, Ordering::Relaxed);
        }
    }
}

fn own() -> &'static Torus {
    tori::here()
}

/// So much of a kind, until this is dropped on the torus where it was made.
#[derive(Debug)]
pub struct Charge {
    kind: Kind,
    amount: u64,
    user: Option<usize>,
}

impl Charge {
    /// Nothing yet, for the torus alone.
    pub const fn none(kind: Kind) -> Self {
        Self {
            kind,
            amount: 0,
            user: None,
        }
    }

    /// So much for the torus, and where its kind is counted by user for that one; user 0 is not counted.
    pub fn new(kind: Kind, user: u32, amount: u64) -> Self {
        let is_counted = kind.is_by_user() && user != 0;
        let mut charge = Self::none(kind);
        charge.user = is_counted
            .then(|| own().part::<Ledger>().enter(user))
            .flatten();
        charge.set(amount);
        charge
    }

    /// Makes it so much, whatever the bound.
    #[inline]
    pub fn set(&mut self, amount: u64) {
        if amount != self.amount {
            let ledger = own().part::<Ledger>();
            ledger.change(self.kind, self.user, self.amount, amount);
            self.amount = amount;
        }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.set(0);
        if let Some(place) = self.user {
            own().part::<Ledger>().leave(place);
        }
    }
}

/// One of a kind, for the torus alone, until this is dropped there.
#[derive(Debug)]
pub struct One(Kind);

impl One {
    /// Counts it, whatever the bound.
    pub fn new(kind: Kind) -> Self {
        own().part::<Ledger>().change(kind, None, 0, 1);
        Self(kind)
    }
}

impl Drop for One {
    fn drop(&mut self) {
        own().part::<Ledger>().change(self.0, None, 1, 0);
    }
}

/// How much of a kind this torus has.
pub fn used(kind: Kind) -> u64 {
    used_on(own(), kind)
}

fn used_on(torus: &Torus, kind: Kind) -> u64 {
    torus.part::<Ledger>().all[kind as usize].load(Ordering::Relaxed)
}

/// Whether this torus has room for so much more of a kind.
pub fn has_room(kind: Kind, more: u64) -> bool {
    used(kind) + more <= kind.most(own().usable())
}

/// How much a user has on all tori.
pub fn of_user(kind: Kind, id: u32) -> u64 {
    let on = |torus: &'static Torus| {
        let users = torus
            .part::<Ledger>()
            .users
            .iter()
            .filter(|user| user.is(id));
        users
            .map(|user| user.of[kind as usize].load(Ordering::Relaxed))
            .sum::<u64>()
    };
    tori::all().map(on).sum()
}

/// How much there is of a kind on all tori, and may be.
pub fn of_machine(kind: Kind) -> (u64, u64) {
    let add = |(used, most): (u64, u64), torus: &'static Torus| {
        let (more, beyond) = (used_on(torus, kind), kind.most(torus.usable()));
        (used + more, most.saturating_add(beyond))
    };
    tori::all().fold((0, 0), add)
}

/// Whether this torus does no more for whom a core works that does not work for its current thread: what it does for other tori ends when
/// its heap and memory objects have more than half of the frames, since nobody here pays for that, and nobody here is to end for it.
/// Names end before that.
pub fn is_closed(torus: &Torus) -> bool {
    torus.heap.frames() + used(Kind::ObjectPage) > torus.usable() / 16 * 9
}
