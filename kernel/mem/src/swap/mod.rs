//! Swap: a torus's disk, its slots, and the pages on their way between frames and slots.
//!
//! Roles: a [`SwapDevice`] carries pages; [`Transfers`] knows what is under way and what comes next; [`Swap`] carries that out.
//!
//! Flow of a page that leaves: the evictor gets a slot ([`Swap::prepare`]), gives it to the page's entries, has cores forget, and
//! says so ([`Swap::commit`]); the disk gets the page, and its interrupt ([`Swap::completed`]) frees the frame. If somebody asks for the
//! page meanwhile, or the disk fails, the frame goes back to the entries instead.
//! Flow of a page that returns: a fault finds the slot, [`Swap::bring_back`] starts the transfer, the thread waits. At the end
//! every entry that refers to the slot has the frame, and the thread tries its access again.
//!
//! The space or object that a page belongs to may be gone when the page comes: then nobody has an entry for the slot, and the
//! frame is freed. A transfer holds a reference to its slot and one to its frame, so neither is used for anything else.

mod device;

pub use device::SwapDevice;
pub use vm::transfer::{Direction, PageName, Ticket};

use alloc::boxed::Box;
use alloc::vec::Vec;
use machine::{cpu, paging};
use sync::Lock;
use sync::WaitQueue;
use tori::Torus;
use tori::counters;
use vm::addr::{Frame, PAGE_SIZE};
use vm::frames::Use;
use vm::swap::SlotTable;
use vm::table::{Slot, TableMemory};
use vm::transfer::{End, Next, Transfer, Transfers};

/// Pages before the first slot: the disk's header, which says that it is for swap and is never written.
pub const HEADER: u64 = 1;

/// A torus's swap.
pub struct Swap {
    /// What the disk is called on the command line.
    name: &'static str,
    users: Users,
    slots: SlotTable<'static>,
    io: Lock<Io>,
    /// For each transfer the threads that wait for its end.
    ended: Vec<WaitQueue>,
    /// Threads that wait to start one.
    room: WaitQueue,
}

struct Io {
    disk: Box<dyn SwapDevice>,
    transfers: Transfers,
}

/// Who refers to slots, and waits for frames.
#[derive(Clone, Copy, Debug)]
pub struct Users {
    /// Gives `frame`, which holds what `slot` is to hold, to every entry of the page that refers to the slot. The caller keeps its own
    /// references to both.
    pub restore: fn(page: PageName, slot: Slot, frame: Frame),
    /// Less is under way, without the disk's having said so: wakes those who wait for that.
    pub fewer: fn(),
}

/// What comes of asking for a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The current thread is enrolled: its access is to be tried again when it is woken.
    Wait,
    /// No frame for the page.
    NoMemory,
    /// The disk has lost the page.
    Lost,
}

impl Swap {
    /// Swap to a disk with these slots, the first of which is page [`HEADER`] of it; none without memory.
    pub fn new(
        name: &'static str,
        disk: Box<dyn SwapDevice>,
        slots: SlotTable<'static>,
        users: Users,
    ) -> Option<Self> {
        let transfers = Transfers::new(disk.requests())?;
        let ended = fallible::collect((0..transfers.len()).map(|_| WaitQueue::new())).ok()?;
        Some(Self {
            name,
            users,
            slots,
            io: Lock::new(Io { disk, transfers }),
            ended,
            room: WaitQueue::new(),
        })
    }

    /// Its slots.
    pub fn slots(&self) -> &SlotTable<'static> {
        &self.slots
    }

    /// Wakes all threads that wait for a transfer or for room on the disk, and empties the queues that they stand in.
    pub fn wake_waiting(&self) {
        self.ended.iter().for_each(WaitQueue::wake_all);
        self.room.wake_all();
    }

    /// Whether nothing is under way.
    pub fn is_idle(&self) -> bool {
        self.io.lock().transfers.is_idle()
    }

    /// Frames that will be free when the disk has what is under way.
    pub fn leaving(&self) -> u64 {
        self.io.lock().transfers.leaving()
    }

    /// Sees to it that what `slot` holds comes back to `page`, under the lock of who has an entry for the slot. The current
    /// thread is enrolled for the end.
    pub fn bring_back(&self, slot: Slot, page: PageName) -> Asked {
        let mut io = self.io.lock();
        // A page that is under way is not lost yet, and not read twice.
        if let Some(index) = io.transfers.want(slot) {
            self.ended[index].enrol();
            return Asked::Wait;
        }
        if self.slots.is_bad(slot) {
            return Asked::Lost;
        }
        let Some(index) = io.transfers.vacancy_to_read() else {
            self.room.enrol();
            return Asked::Wait;
        };
        let torus = tori::here();
        let Some(frame) = torus.alloc_frame(Use::Private) else {
            return Asked::NoMemory;
        };
        // The asker has a reference, so that there is one to share, unless as many have one as can be counted.
        if !self.slots.share(slot) {
            release(torus, frame);
            return Asked::NoMemory;
        }
        io.transfers.bring(index, slot, frame, page);
        self.ended[index].enrol();
        if !io.begin(index, &self.slots) {
            io.transfers.clear(index);
            self.slots.release(slot);
            release(torus, frame);
            return Asked::Lost;
        }
        Asked::Wait
    }

    /// Takes a slot for `page` in `frame`, of which the transfer gets the caller's reference. From now on who asks for the slot
    /// waits. None when no slot is free, or too much is under way.
    pub fn prepare(&self, frame: Frame, page: PageName) -> Option<Slot> {
        let mut io = self.io.lock();
        let index = io.transfers.vacancy()?;
        let slot = self.slots.take(cpu::let_interrupts_in)?;
        io.transfers.leave(index, slot, frame, page);
        Some(slot)
    }

    /// No entry has taken the slot: the caller has the frame's reference back.
    pub fn abandon(&self, slot: Slot) {
        self.io.lock().transfers.abandon(slot);
        self.slots.release(slot);
        self.tell();
    }

    /// Less is under way, without the disk's having said so: wakes those who wait for that.
    fn tell(&self) {
        (self.users.fewer)();
    }

    /// No core writes to the prepared frames any more: they may go.
    pub fn commit(&self) {
        self.io.lock().transfers.commit();
        self.hand_over();
    }

    /// Gives the disk what waits for it.
    fn hand_over(&self) {
        loop {
            // A checksum takes half of what may be done at once.
            cpu::let_interrupts_in();
            let mut io = self.io.lock();
            let (index, end) = match io.transfers.next() {
                Next::Nothing => return,
                Next::Spare(index) => (index, End::Spared),
                Next::Write(index) if io.begin(index, &self.slots) => {
                    counters::own().swapped_out.add(1);
                    continue;
                }
                Next::Write(index) => (index, End::Failed),
            };
            let transfer = io.transfers.end(index);
            drop(io);
            if let Some(transfer) = transfer {
                self.end(index, &transfer, end);
            }
            self.tell();
        }
    }

    /// The disk has answered: ends what is done, and gives it more. On a core of the torus that holds no lock.
    pub fn completed(&self) {
        loop {
            let mut io = self.io.lock();
            let Some((ticket, good)) = io.disk.finished() else {
                break;
            };
            // It stays in the table until its entries are told, so that nobody asks the disk for the slot meanwhile.
            let Some((index, transfer)) = io.transfers.finished(ticket) else {
                continue;
            };
            drop(io);
            cpu::let_interrupts_in();
            let end = match good {
                true if self.is_changed(&transfer) => End::Changed,
                true => End::Done,
                false => End::Failed,
            };
            cpu::let_interrupts_in();
            self.end(index, &transfer, end);
        }
        self.hand_over();
        self.room.wake_all();
    }

    fn end(&self, index: usize, transfer: &Transfer, end: End) {
        let (slot, frame) = (transfer.slot, transfer.frame);
        if end.spoils_slot() {
            self.slots.retire(slot);
            self.complain(transfer, end);
        }
        if let Some(page) = transfer.returns_to(end) {
            if transfer.direction() == Direction::Read {
                counters::own().swapped_in.add(1);
            }
            (self.users.restore)(page, slot, frame);
        }
        self.slots.release(slot);
        release(tori::here(), frame);
        self.io.lock().transfers.clear(index);
        self.ended[index].wake_all();
    }

    /// Whether the page that has come is not the one that went.
    fn is_changed(&self, transfer: &Transfer) -> bool {
        transfer.direction() == Direction::Read
            && !self.slots.is_intact(transfer.slot, content(transfer))
    }

    fn complain(&self, transfer: &Transfer, end: End) {
        let what = match transfer.direction() {
            Direction::Read if end == End::Changed => "has been changed: what it held is lost",
            Direction::Read => "cannot be read: what it held is lost",
            Direction::Write => "cannot be written: its page stays in memory",
        };
        let (name, slot) = (self.name, transfer.slot.0);
        log::error!("swap disk {name}: slot {slot} {what}");
    }
}

impl Io {
    /// Gives the disk the transfer at a place; false when it does not take it.
    fn begin(&mut self, index: usize, slots: &SlotTable<'_>) -> bool {
        let Some(transfer) = self.transfers.get(index) else {
            return false;
        };
        let (direction, page) = (transfer.direction(), transfer.slot.0 + HEADER);
        if direction == Direction::Write {
            slots.seal(transfer.slot, content(transfer));
        }
        // SAFETY: K22, the frame is the transfer's until it has ended: new, or without an entry that could write to it.
        match unsafe { self.disk.start(direction, page, transfer.frame) } {
            Some(ticket) => {
                self.transfers.started(index, ticket);
                true
            }
            None => false,
        }
    }
}

/// What a transfer's frame holds.
fn content(transfer: &Transfer) -> &[u8; PAGE_SIZE] {
    // SAFETY: K22, nobody writes to the frame: it is about to be written to the disk, or the disk has filled it.
    unsafe { &*paging::phys_to_virt(transfer.frame.start()).cast() }
}

/// Gives a reference to a frame up.
pub fn release(torus: &Torus, frame: Frame) {
    if torus.memory().frames().release(frame) {
        torus.free_frame(frame);
    }
}
