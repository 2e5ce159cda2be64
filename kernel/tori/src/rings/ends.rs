//! The ends of rings that a torus holds.

use super::places::{Later, Signs};
use super::probe::Tally;
use super::{LINES, RESERVE};
use crate::above;
use crate::counters;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use crossbeam_utils::CachePadded;
use heapless::Vec;
use machine::cpu::{self, Cpu};
use machine::ipi;
use sync::Lock;
use sync::{WaitQueue, Woken};
use torus::TorusId;
use torus::outbox::{Cause, Pool, Queue};
use torus::ring::{Bell, Doorbell, Line, Receiver, Ring, Sender};

/// Lines taken or sent at a time.
const BATCH: usize = 32;

/// What other tori touch of a torus, besides its rings.
#[repr(C)]
pub struct Door {
    /// Armed while nobody serves.
    pub(super) bell: Bell,
    /// APIC id of the core to interrupt.
    pub(super) apic_id: CachePadded<AtomicU32>,
}

impl Door {
    /// Interrupts the torus if it has to be.
    fn answer(&self, doorbell: Doorbell) {
        if doorbell == Doorbell::Ring {
            if core::ptr::eq(self, super::own().door) {
                // This core will be on the way out soon.
                return super::on_doorbell();
            }
            counters::own().doorbells.add(1);
            ipi::knock(self.apic_id.load(Ordering::Relaxed));
        }
    }
}

/// A torus's ends of all rings that it has a part in.
pub struct Rings {
    pub(super) door: &'static Door,
    /// The rings to this torus, until they are connected.
    pub(super) unconnected: Lock<&'static mut [Ring<LINES>]>,
    /// Places for what waits in the exits; locked after an exit.
    pub(super) pool: Lock<Pool>,
    /// By destination.
    pub(super) exits: &'static [Lock<Exit>],
    /// By origin; held by the core that serves.
    pub(super) inlets: Lock<&'static mut [Option<Inlet>]>,
    /// What the torus's cores are to look at.
    pub(super) signs: CachePadded<Signs>,
    /// Number within the torus of the core that the door names.
    pub(super) ear: AtomicUsize,
    /// What is to be looked at with a tick.
    pub(super) later: Later,
    /// What was probed, by the other torus.
    pub(super) tallies: Lock<&'static mut [Tally]>,
    /// Threads that wait for probes to arrive.
    pub(super) arrivals: WaitQueue,
}

impl Rings {
    pub(super) fn send(&self, to: TorusId, line: Line) {
        match self.exit(to) {
            Some(exit) if crate::own().gathers.get() => exit.lock().collect(line),
            Some(exit) => exit.lock().send(&[line]),
            None => log::error!("a message to torus {to}, which there is not: {line:x?}"),
        }
    }

    pub(super) fn exit(&self, to: TorusId) -> Option<&'static Lock<Exit>> {
        self.exits.get(to.index())
    }

    /// Sends what has been collected.
    pub(super) fn flush(&self) {
        self.exits.iter().for_each(|exit| exit.lock().flush());
    }

    /// Has a line wait, in a place that was set aside before the operation began that posts it.
    pub(super) fn keep(&self, queue: &mut Queue, line: Line) {
        let delivers = crate::own().delivers.get();
        let cause = if delivers {
            Cause::Delivery
        } else {
            Cause::Work
        };
        let mut pool = self.pool.lock();
        if pool.push(queue, line, cause).is_err() {
            log::error!("an operation posts more than it may: {line:x?} is lost");
        }
        self.look(&pool);
    }

    /// Takes lines out that wait; answers how many.
    pub(super) fn take(&self, queue: &mut Queue, lines: &mut [Line]) -> usize {
        let mut pool = self.pool.lock();
        let count = pool.front(queue, lines);
        pool.pop(queue, count);
        self.look(&pool);
        count
    }

    /// From now on `core` is interrupted for the torus.
    pub(super) fn listen(&self, core: &Cpu) {
        self.ear.store(core.core_in_torus, Ordering::Relaxed);
        self.door.apic_id.store(core.apic_id, Ordering::Relaxed);
    }
}

/// The way to another torus.
pub struct Exit {
    /// The other end, once the rings are connected.
    pub(super) way: Option<Way>,
    /// What the ring had no room for, or is to go with what follows, in order.
    outbox: Queue,
    /// The receiver is to ring when it makes room.
    awaits: bool,
    /// Bulk senders that wait for room.
    waiting: WaitQueue,
}

/// A sending end and the door of the torus it leads to.
pub(super) struct Way {
    pub(super) sender: Sender<'static, LINES>,
    pub(super) door: &'static Door,
}

impl Exit {
    /// A way that leads nowhere yet.
    pub(crate) const fn new() -> Self {
        Self {
            way: None,
            outbox: Queue::new(),
            awaits: false,
            waiting: WaitQueue::new(),
        }
    }

    /// Sends lines in order; what there is no room for follows when there is.
    pub(super) fn send(&mut self, lines: &[Line]) {
        counters::own().messages_sent.add(lines.len() as u64);
        let sent = if self.outbox.is_empty() {
            self.put(lines)
        } else {
            0
        };
        let rest = lines[sent..].iter();
        rest.for_each(|line| super::own().keep(&mut self.outbox, *line));
        self.flush();
    }

    /// Has a line sent with the next flush.
    pub(super) fn collect(&mut self, line: Line) {
        counters::own().messages_sent.add(1);
        super::own().keep(&mut self.outbox, line);
    }

    /// Sends as many of `lines` as there is room for; answers how many.
    fn put(&mut self, lines: &[Line]) -> usize {
        let Some(way) = &mut self.way else {
            return lines.len();
        };
        let (sent, doorbell) = way.sender.send_batch(lines);
        way.door.answer(doorbell);
        sent
    }

    pub(super) fn room(&mut self) -> usize {
        self.flush();
        match &mut self.way {
            Some(way) if self.outbox.is_empty() => way.sender.room().saturating_sub(RESERVE),
            _ => 0,
        }
    }

    /// Sends what waits, as far as there is room; if that is not all, the receiver will ring.
    fn flush(&mut self) {
        while !self.outbox.is_empty() {
            let mut batch = [Line::default(); BATCH];
            let count = super::own().pool.lock().front(&self.outbox, &mut batch);
            let sent = self.put(&batch[..count]);
            let mut pool = super::own().pool.lock();
            pool.pop(&mut self.outbox, sent);
            super::own().look(&pool);
            drop(pool);
            if sent == 0 && !self.await_room(1) {
                return;
            }
        }
    }

    /// Has the receiver ring when there is room; true: there is.
    fn await_room(&mut self, lines: usize) -> bool {
        let way = self.way.as_mut();
        let room = way.is_none_or(|way| way.sender.await_room(lines));
        self.awaits |= !room;
        room
    }

    /// Enrols the current thread for room; false: there is.
    pub(super) fn enrol(&mut self) -> bool {
        self.waiting.enrol();
        !self.await_room(RESERVE + 1)
    }

    /// Forgets who waits for room: they are to be woken.
    pub(super) fn forget(&self) -> Woken {
        self.waiting.take_all()
    }

    /// The receiver may have made room: sends what waits, and answers whom to wake, who want to send more.
    #[must_use]
    pub(super) fn room_made(&mut self) -> Option<Woken> {
        core::mem::take(&mut self.awaits).then(|| {
            self.flush();
            self.waiting.take_all()
        })
    }
}

/// The way from another torus.
pub struct Inlet {
    pub(super) from: TorusId,
    pub(super) receiver: Receiver<'static, LINES>,
    /// Of the torus that sends.
    pub(super) door: &'static Door,
    /// Lines that were taken out of the ring; those up to `at` have been delivered.
    batch: Vec<Line, BATCH>,
    at: usize,
}

impl Inlet {
    pub(super) const fn new(
        from: TorusId,
        receiver: Receiver<'static, LINES>,
        door: &'static Door,
    ) -> Self {
        Self {
            from,
            receiver,
            door,
            batch: Vec::new(),
            at: 0,
        }
    }

    pub(super) fn is_empty(&mut self) -> bool {
        self.waiting() == 0
    }

    /// Lines that have not been delivered, as far as is known without another look at what the sender has published.
    pub(super) fn waiting(&mut self) -> usize {
        self.batch.len() - self.at + self.receiver.waiting()
    }

    /// Takes the next lines out of the ring.
    fn fill(&mut self) {
        self.at = 0;
        // There is room for as many.
        let _ = self.batch.resize_default(BATCH);
        let (count, doorbell) = self.receiver.receive(&mut self.batch);
        self.batch.truncate(count);
        self.door.answer(doorbell);
        counters::own().messages_received.add(count as u64);
    }

    /// Delivers a batch of what has come, as far as there are places for what comes of it; answers how much it was.
    pub(super) fn deliver(&mut self) -> usize {
        if self.at == self.batch.len() {
            self.fill();
        }
        let first = self.at;
        while let Some(line) = self.batch.get(self.at)
            && super::own().may_deliver()
        {
            above::tori_deliver(self.from, line);
            self.at += 1;
            cpu::let_interrupts_in();
        }
        self.at - first
    }
}
