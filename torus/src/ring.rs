//! Message rings between tori, and the doorbell of a torus.
//!
//! *Roles.* For each ordered pair of tori there is one [`Ring`]: the sending torus holds its [`Sender`], the
//! receiving torus its [`Receiver`]. A torus has one [`Bell`] that all rings to it share.
//!
//! *Flow.* A sender writes a line and publishes it. If the receiving torus had armed its bell, the sender
//! is told to ring it ([`Doorbell::Ring`]: send the interrupt), once per arming. A receiver takes lines in
//! batches. When it finds all its rings empty and no core of it goes on polling, it [arms](Bell::arm) the bell,
//! **looks at every ring once more**, and only then rests.
//!
//! ```text
//! sender                                receiver
//!   write line, publish tail              arm bell
//!   fence                                 fence
//!   bell armed? disarm, interrupt         ring empty? rest : disarm, receive
//! ```
//! The two fences make it impossible that the sender misses the arming and the receiver misses the line.
//!
//! A full ring is back-pressure ([`Full`]): nothing is dropped, the sender keeps the line and goes on receiving what
//! others send to it. It may [ask](Sender::await_room) to be rung when the receiver has made room, by the same
//! protocol in the other direction. Lines of one ring arrive in the order they were sent in. Neither side allocates or
//! waits.
#![expect(
    unsafe_code,
    reason = "the slots are shared by two cores without a lock"
)]

use core::fmt;

use crossbeam_utils::CachePadded;
use sync::{AtomicBool, AtomicUsize, Ordering, Slot, fence};

/// The contents of one message: a cache line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C, align(64))]
pub struct Line(pub [u64; 8]);

/// A ring of `N` lines, where `N` is a power of two.
pub struct Ring<const N: usize> {
    /// Lines received so far, written by the receiver.
    head: CachePadded<AtomicUsize>,
    /// Lines sent so far, written by the sender.
    tail: CachePadded<AtomicUsize>,
    /// Armed by a sender that wants to hear of room.
    room: Bell,
    slots: [Slot; N],
}

/// The doorbell of a torus: says whether the torus must be interrupted to notice a message.
#[derive(Debug)]
pub struct Bell {
    armed: CachePadded<AtomicBool>,
}

/// The ring is full; the line was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ring is full")]
pub struct Full;

/// What is to be done after lines were published, or room was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a torus that rests is not woken by itself"]
pub enum Doorbell {
    /// Interrupt a core of the other torus.
    Ring,
    /// The other torus will look by itself, or was already rung.
    Quiet,
}

/// The sending end of a ring.
pub struct Sender<'a, const N: usize> {
    ring: &'a Ring<N>,
    bell: &'a Bell,
    /// Lines sent so far; equals `ring.tail`, which nobody else writes.
    tail: usize,
    /// Lines received so far, as last seen; at most `ring.head`.
    head_seen: usize,
}

/// The receiving end of a ring.
pub struct Receiver<'a, const N: usize> {
    ring: &'a Ring<N>,
    /// Lines received so far; equals `ring.head`, which nobody else writes.
    head: usize,
    /// Lines sent so far, as last seen; at most `ring.tail`.
    tail_seen: usize,
}

impl<const N: usize> Ring<N> {
    /// An empty ring.
    pub fn new() -> Self {
        const { assert!(N.is_power_of_two(), "a ring has a power of two of lines") };
        Self {
            head: CachePadded::new(AtomicUsize::new(0)),
            tail: CachePadded::new(AtomicUsize::new(0)),
            room: Bell::new(),
            slots: core::array::from_fn(|_| Slot::new(Line::default())),
        }
    }

    /// The two ends, for as long as the ring is borrowed; `bell` is that of the receiving torus.
    pub fn split<'a>(&'a mut self, bell: &'a Bell) -> (Sender<'a, N>, Receiver<'a, N>) {
        let head = self.head.load(Ordering::Relaxed);
        let tail = self.tail.load(Ordering::Relaxed);
        let ring = &*self;
        (
            Sender {
                ring,
                bell,
                tail,
                head_seen: head,
            },
            Receiver {
                ring,
                head,
                tail_seen: tail,
            },
        )
    }

    fn slot(&self, position: usize) -> &Slot {
        &self.slots[position % N]
    }
}

impl<const N: usize> Default for Ring<N> {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: T1 and T2, a slot is touched by one end at a time, and a change of hands is a release store
// read by an acquire load (T3).
unsafe impl<const N: usize> Sync for Ring<N> {}

impl<const N: usize> Sender<'_, N> {
    /// Sends one line.
    ///
    /// # Errors
    /// [`Full`] when the receiver has not made room.
    pub fn send(&mut self, line: &Line) -> Result<Doorbell, Full> {
        if self.room_for(1) == 0 {
            return Err(Full);
        }
        self.put(line);
        Ok(self.publish())
    }

    /// Sends as many of `lines` as fit, in order, with one look at the bell; answers how many.
    pub fn send_batch(&mut self, lines: &[Line]) -> (usize, Doorbell) {
        let count = self.room_for(lines.len());
        if count == 0 {
            return (0, Doorbell::Quiet);
        }
        for line in &lines[..count] {
            self.put(line);
        }
        (count, self.publish())
    }

    /// Lines that can be sent now.
    pub fn room(&mut self) -> usize {
        self.head_seen = self.ring.head.load(Ordering::Acquire);
        N - self.tail.wrapping_sub(self.head_seen)
    }

    /// Room for up to `lines`; reads what the receiver published only when what is known does not do.
    fn room_for(&mut self, lines: usize) -> usize {
        let known = N - self.tail.wrapping_sub(self.head_seen);
        lines.min(if known < lines { self.room() } else { known })
    }

    /// Asks for an interrupt when half of the ring is free, and looks once more. True: there is room for `lines`, at
    /// most half of the ring, by now. The receiver may ring all the same: others may wait for more room.
    pub fn await_room(&mut self, lines: usize) -> bool {
        debug_assert!(lines <= N.div_ceil(2));
        self.ring.room.arm();
        self.room() >= lines
    }

    /// Writes the line behind those sent. There must be room.
    fn put(&mut self, line: &Line) {
        debug_assert!(self.tail.wrapping_sub(self.head_seen) < N);
        // SAFETY: T1: the position `tail` is the sender's because it is less than `head + N`.
        self.ring
            .slot(self.tail)
            .with_mut(|slot| unsafe { *slot = *line });
        self.tail = self.tail.wrapping_add(1);
    }

    fn publish(&self) -> Doorbell {
        self.ring.tail.store(self.tail, Ordering::Release);
        self.bell.rung()
    }
}

impl<const N: usize> Receiver<'_, N> {
    /// Takes up to `lines.len()` lines in order, and answers how many, and whether the sender waits for the room.
    pub fn receive(&mut self, lines: &mut [Line]) -> (usize, Doorbell) {
        let waiting = self.waiting();
        let count = lines.len().min(waiting);
        for line in &mut lines[..count] {
            // SAFETY: T2: the position `head` is the receiver's because it is less than `tail`.
            *line = self.ring.slot(self.head).with(|slot| unsafe { *slot });
            self.head = self.head.wrapping_add(1);
        }
        if count == 0 {
            return (0, Doorbell::Quiet);
        }
        self.ring.head.store(self.head, Ordering::Release);
        // A sender that waits is rung once for half a ring, not for every batch.
        let half_free = self.tail_seen.wrapping_sub(self.head) <= N / 2;
        let doorbell = if half_free {
            self.ring.room.rung()
        } else {
            Doorbell::Quiet
        };
        (count, doorbell)
    }

    /// Whether no line waits. After [`Bell::arm`] the answer is safe to rest on.
    pub fn is_empty(&mut self) -> bool {
        self.waiting() == 0
    }

    /// Lines that wait; reads what the sender published only when those known are used up.
    pub fn waiting(&mut self) -> usize {
        if self.tail_seen == self.head {
            self.tail_seen = self.ring.tail.load(Ordering::Acquire);
        }
        self.tail_seen.wrapping_sub(self.head)
    }
}

impl Bell {
    /// A bell that is not armed: the torus is awake.
    pub fn new() -> Self {
        Self {
            armed: CachePadded::new(AtomicBool::new(false)),
        }
    }

    /// Asks for an interrupt at the next message. The caller must then look at every ring of the torus once
    /// more, and rest only if all are empty; otherwise it disarms the bell and goes on.
    pub fn arm(&self) {
        self.armed.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// The torus is awake and will look at its rings without being interrupted.
    pub fn disarm(&self) {
        self.armed.store(false, Ordering::Relaxed);
    }

    /// Called by whoever has published: takes the arming, if there is one.
    fn rung(&self) -> Doorbell {
        fence(Ordering::SeqCst);
        if self.armed.load(Ordering::Relaxed) && self.armed.swap(false, Ordering::Relaxed) {
            Doorbell::Ring
        } else {
            Doorbell::Quiet
        }
    }
}

impl Default for Bell {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> fmt::Debug for Ring<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring")
            .field("head", &self.head.load(Ordering::Relaxed))
            .field("tail", &self.tail.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}

impl<const N: usize> fmt::Debug for Sender<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("ring", self.ring)
            .finish_non_exhaustive()
    }
}

impl<const N: usize> fmt::Debug for Receiver<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("ring", self.ring)
            .finish_non_exhaustive()
    }
}

/// Atomics and slots: of the machine, or of loom's model of it.
mod sync {
    use super::Line;

    #[cfg(not(loom))]
    pub(super) use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
    #[cfg(loom)]
    pub(super) use loom::{
        cell::UnsafeCell,
        sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence},
    };

    #[cfg(loom)]
    pub(super) type Slot = UnsafeCell<Line>;

    /// A place for a line, with the interface of loom's cell.
    #[cfg(not(loom))]
    pub(super) struct Slot(core::cell::UnsafeCell<Line>);

    #[cfg(not(loom))]
    impl Slot {
        pub(super) fn new(line: Line) -> Self {
            Self(core::cell::UnsafeCell::new(line))
        }

        pub(super) fn with<R>(&self, read: impl FnOnce(*const Line) -> R) -> R {
            read(self.0.get())
        }

        pub(super) fn with_mut<R>(&self, write: impl FnOnce(*mut Line) -> R) -> R {
            write(self.0.get())
        }
    }
}

#[cfg(all(test, loom))]
mod model;
#[cfg(all(test, not(loom)))]
mod tests;
