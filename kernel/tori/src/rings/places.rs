//! Places for lines that wait, and what goes on while too many do. `torus::outbox` says why there is always one.
//!
//! A line may also wait for a tick: what a torus is to look at again, of which nobody hears when it is there. Who looks again at once keeps
//! others from making it come.

use super::{Rings, own};
use crate::above;
use core::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use fallible::NoMemory;
use machine::cpu;
use machine::time::{self, Nanos};
use sync::Lock;
use torus::MAX_TORI;
use torus::message::Protocol;
use torus::outbox::{Bounds, Cause, Pool, Queue};
use torus::ring::Line;

/// Lines of work that may wait when more begins.
const WORK: usize = 256;
/// Lines that an operation posts at the most, besides those with [`Places`]: one to each torus, and a wave of pulls, or the answers to one.
pub(super) const OPERATION: usize = 96 + MAX_TORI;

/// How soon a core that idles has to tick.
const PATIENCE: Nanos = Nanos::from_millis(10);

/// Somebody has knocked since a core began to serve.
pub(super) const RUNG: u8 = 1;
/// So many lines wait that no work may begin.
const CHOKED: u8 = 2;
/// So many wait that no line may be delivered.
const FULL: u8 = 4;

/// What the cores of a torus are to look at before their programs go on.
pub(super) struct Signs(AtomicU8);

impl Signs {
    pub(super) const fn new() -> Self {
        Self(AtomicU8::new(0))
    }

    pub(super) fn get(&self) -> u8 {
        self.0.load(Ordering::SeqCst)
    }

    pub(super) fn set(&self, sign: u8) {
        self.0.fetch_or(sign, Ordering::SeqCst);
    }

    /// Answers whether it was set.
    pub(super) fn clear(&self, sign: u8) -> bool {
        self.0.fetch_and(!sign, Ordering::SeqCst) & sign != 0
    }
}

/// Places that a thing has set aside, for as many lines as one operation posts about it.
pub struct Places(usize);

impl Places {
    /// Sets places aside on the executing core's torus, where they are given up when this is dropped.
    ///
    /// # Errors
    /// There is no memory for them.
    pub fn reserve(lines: usize) -> Result<Self, NoMemory> {
        reserve(lines)?;
        Ok(Self(lines))
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        release(self.0);
    }
}

/// Sets places aside that are given up by [`release`].
///
/// # Errors
/// There is no memory for them.
pub fn reserve(lines: usize) -> Result<(), NoMemory> {
    own().pool.lock().reserve(lines)
}

/// Gives up places.
pub fn release(lines: usize) {
    own().pool.lock().release(lines);
}

/// What the outboxes of a torus with so many cores hold, in a machine that may have so many processes.
pub const fn bounds(cores: usize, processes: usize) -> Bounds {
    Bounds {
        work: WORK,
        deliveries: processes,
        operation: OPERATION,
        cores,
    }
}

/// Whether so many lines wait that no program of this torus may go on.
#[inline]
pub fn is_choked() -> bool {
    own().signs.get() & CHOKED != 0
}

/// Between two parts of what posts more than one operation may: waits until there are places, and serves meanwhile. No lock may be held.
pub fn breathe() {
    while is_choked() {
        super::serve();
        own().flush();
        cpu::let_interrupts_in();
    }
}

/// A core ticks. It is looked again whether what has to wait can be delivered, as there may be memory now, and at what is for later.
pub fn try_again() {
    if own().later.tick() || own().is_full() {
        super::on_doorbell();
    }
}

/// Messages of a torus to itself that are for later; their places are those of other messages that wait.
pub(super) struct Later {
    lines: Lock<Queue>,
    /// There are some.
    some: AtomicBool,
    /// A core has ticked since they were looked at.
    due: AtomicBool,
}

/// Has this torus look at a message of its own with a tick.
pub fn look_later(message: impl Protocol) {
    let rings = own();
    let mut lines = rings.later.lines.lock();
    rings.keep(&mut lines, message.encode());
    rings.later.some.store(true, Ordering::Relaxed);
}

/// When a core that idles is to tick at the latest.
pub fn deadline() -> Option<Nanos> {
    let some = own().later.some.load(Ordering::Relaxed);
    some.then(|| time::now() + PATIENCE)
}

impl Later {
    pub(super) const fn new() -> Self {
        Self {
            lines: Lock::new(Queue::new()),
            some: AtomicBool::new(false),
            due: AtomicBool::new(false),
        }
    }

    /// A core ticks; whether there is something to look at.
    pub(super) fn tick(&self) -> bool {
        let some = self.some.load(Ordering::Relaxed);
        if some {
            self.due.store(true, Ordering::Relaxed);
        }
        some
    }

    /// Takes the next line.
    fn take(&self, rings: &Rings) -> Option<Line> {
        let mut lines = self.lines.lock();
        let mut line = [Line::default()];
        let taken = rings.take(&mut lines, &mut line) > 0;
        self.some.store(!lines.is_empty(), Ordering::Relaxed);
        let [line] = line;
        taken.then_some(line)
    }

    /// Delivers what there is, if a core has ticked, and there are places for what comes of it; answers whether it was any. What comes
    /// again is for the next time.
    pub(super) fn deliver(&self, rings: &Rings) -> bool {
        if !self.due.load(Ordering::Relaxed) {
            return false;
        }
        let (here, count) = (crate::here().id, self.lines.lock().len());
        let mut delivered = 0;
        while delivered < count
            && rings.may_deliver()
            && let Some(line) = self.take(rings)
        {
            above::tori_deliver(here, &line);
            delivered += 1;
            cpu::let_interrupts_in();
        }
        if delivered == count {
            // Ticks that came meanwhile are over: who has just been looked at waits for a later one.
            self.due.store(false, Ordering::Relaxed);
        }
        delivered > 0
    }
}

impl Rings {
    /// Notes what may begin while as many lines wait as do now. With the pool locked.
    pub(super) fn look(&self, pool: &Pool) {
        let signs = self.signs.get();
        for (sign, cause) in [(CHOKED, Cause::Work), (FULL, Cause::Delivery)] {
            match (pool.admits(cause), signs & sign != 0) {
                (true, true) if self.signs.clear(sign) => match cause {
                    Cause::Work => above::tori_goes_on(),
                    // The lines that have stayed in the rings ring no more.
                    Cause::Delivery => self.signs.set(RUNG),
                },
                (false, false) => self.signs.set(sign),
                (true, _) | (false, true) => {}
            }
        }
    }

    /// Whether lines have to stay in the rings.
    pub(super) fn is_full(&self) -> bool {
        self.signs.get() & FULL != 0
    }

    /// Whether there are places for what comes of one more line.
    #[inline]
    pub(super) fn may_deliver(&self) -> bool {
        !self.is_full() || self.make_places()
    }

    #[cold]
    fn make_places(&self) -> bool {
        // Much of it may wait only for the batch to end.
        self.flush();
        let mut pool = self.pool.lock();
        if !pool.admits(Cause::Delivery) {
            // Without memory the lines wait.
            let _ = pool.widen();
        }
        self.look(&pool);
        pool.admits(Cause::Delivery)
    }
}
