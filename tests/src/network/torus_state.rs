//! What a torus of the emulation has.

use std::collections::{BTreeMap, BTreeSet};

use torus::{
    DepositId, DepositNames, TorusId,
    lease::Lender,
    migrate::{Claim, Deposit, PullMachine, Refusal},
    pid::{Births, Pid},
};
use vm::{
    addr::{Frame, Page},
    table::Source,
};

use super::{
    lease,
    memory::{Backing, Entry, Memory},
};

/// One torus.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Torus {
    /// Its number.
    pub id: TorusId,
    /// Its frames.
    pub frames: Store,
    /// Its swap device, which is never full.
    pub slots: Store,
    /// Processes that are here: living, frozen, or ending.
    pub processes: BTreeMap<Pid, Process>,
    /// Pages that stayed here.
    pub deposits: BTreeMap<DepositId, Safe>,
    /// Shared memory that was made here, by its number.
    pub objects: BTreeMap<usize, Object>,
    /// What of it is lent: numbers of objects, and frames.
    pub lender: Lender<usize, usize, u64>,
    /// Objects of other tori, by home and number.
    pub leases: BTreeMap<(TorusId, u64), lease::Held>,
    /// The last lease's number.
    last_lease: u64,
    /// Images that are offered, under the frame number that the offer names.
    pub images: BTreeMap<Frame, Image>,
    /// Names for deposits.
    pub names: DepositNames,
    /// Processes that were born here.
    pub births: Births,
    /// Reads from swap under way.
    pub reads: Vec<(DepositId, Page)>,
    /// Whether it takes no processes.
    pub refuses: bool,
}

/// Frames or slots that hold one word each, with the number of their owners.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Store {
    cells: Vec<Cell>,
    most: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Cell {
    owners: u32,
    word: u64,
}

/// What a freed frame holds.
const POISON: u64 = 0xdead_dead_dead_dead;

impl Store {
    fn new(most: usize) -> Self {
        Self {
            cells: Vec::new(),
            most,
        }
    }

    /// A cell with one owner that holds `word`; `None` if all are owned.
    pub fn allocate(&mut self, word: u64) -> Option<u64> {
        let cell = Cell { owners: 1, word };
        if let Some(free) = self.cells.iter().position(|cell| cell.owners == 0) {
            self.cells[free] = cell;
            return Some(free as u64);
        }
        if self.cells.len() == self.most {
            return None;
        }
        self.cells.push(cell);
        Some(self.cells.len() as u64 - 1)
    }

    /// Whether nothing can be allocated.
    pub fn is_full(&self) -> bool {
        self.cells.len() == self.most && self.cells.iter().all(|cell| cell.owners > 0)
    }

    /// One more owner.
    pub fn share(&mut self, index: u64) {
        assert!(self.owners(index) > 0, "cell {index} is shared, but free");
        self.cells[index as usize].owners += 1;
    }

    /// One owner less.
    pub fn free(&mut self, index: u64) {
        let cell = &mut self.cells[index as usize];
        assert!(cell.owners > 0, "cell {index} is freed twice");
        cell.owners -= 1;
        if cell.owners == 0 {
            cell.word = POISON;
        }
    }

    /// Its number of owners.
    pub fn owners(&self, index: u64) -> u32 {
        self.cells.get(index as usize).map_or(0, |cell| cell.owners)
    }

    /// Its word; `None` if it is free.
    pub fn word(&self, index: u64) -> Option<u64> {
        let cell = self.cells.get(index as usize)?;
        (cell.owners > 0).then_some(cell.word)
    }

    /// Writes its word.
    pub fn write(&mut self, index: u64, word: u64) {
        assert!(self.owners(index) > 0, "cell {index} is written, but free");
        self.cells[index as usize].word = word;
    }

    /// The cells that are owned, with the number of owners.
    pub fn owned(&self) -> BTreeMap<u64, u32> {
        let cells = (0..).zip(&self.cells);
        cells
            .filter(|(_, cell)| cell.owners > 0)
            .map(|(index, cell)| (index, cell.owners))
            .collect()
    }
}

/// A process at its host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Process {
    /// The machine under test.
    pub resident: PullMachine,
    /// Its address space; none while it is frozen, or has ended.
    pub memory: Option<Memory>,
    /// How often it has moved.
    pub moves: u32,
    /// The page that its thread waits for.
    pub waits: Option<Page>,
    /// The name of its image while it is frozen.
    pub frozen: Option<Frame>,
    /// Whether SIGKILL has come while it was frozen.
    pub held: bool,
}

impl Process {
    /// A process that has just arrived or begun.
    pub const fn new(resident: PullMachine, memory: Memory, moves: u32) -> Self {
        Self {
            resident,
            memory: Some(memory),
            moves,
            waits: None,
            frozen: None,
            held: false,
        }
    }

    /// Whether its program can do something.
    pub fn runs(&self) -> bool {
        self.resident.runs() && !self.resident.is_forking() && self.waits.is_none()
    }
}

/// A frozen process on its way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Image {
    /// Its claims, the one to what stays among them.
    pub claims: Vec<Claim>,
    /// The claim to what stays.
    pub source: Source,
    /// Where it goes.
    pub to: TorusId,
    /// What is mapped.
    pub mapped: BTreeMap<Page, Backing>,
    /// Pages that children do not get.
    pub left_out: BTreeSet<Page>,
    /// How often it had moved.
    pub moves: u32,
}

/// A deposit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Safe {
    /// The machine under test.
    pub deposit: Deposit,
    /// The frozen address space.
    pub memory: Memory,
    /// The pages that were granted.
    pub pinned: BTreeSet<Page>,
}

/// A page of shared memory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Object {
    /// Its frame, once it was touched.
    pub frame: Option<u64>,
    /// What it holds until then.
    pub initial: u64,
    /// Address spaces on this torus that map it, frozen ones among them; and one more if others hold it.
    pub users: u32,
}

/// A frame or a swap slot of a home.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// In this frame.
    Frame(u64),
    /// In this slot.
    Slot(u64),
}

impl Torus {
    /// A torus with so many frames and no process.
    pub fn new(id: TorusId, frames: usize) -> Self {
        Self {
            id,
            frames: Store::new(frames),
            slots: Store::new(usize::MAX),
            processes: BTreeMap::new(),
            deposits: BTreeMap::new(),
            objects: BTreeMap::new(),
            lender: Lender::new(),
            leases: BTreeMap::new(),
            last_lease: 0,
            images: BTreeMap::new(),
            names: DepositNames::new(id),
            births: Births::new(id),
            reads: Vec::new(),
            refuses: false,
        }
    }

    /// A frame for the page table of a process.
    ///
    /// # Errors
    /// [`Refusal::Memory`] if there is none.
    pub fn table_frame(&mut self) -> Result<u64, Refusal> {
        self.frames.allocate(0).ok_or(Refusal::Memory)
    }

    /// One share of a place less.
    pub fn free(&mut self, place: Place) {
        match place {
            Place::Frame(frame) => self.frames.free(frame),
            Place::Slot(slot) => self.slots.free(slot),
        }
    }

    /// The frame of an object, made at its first touch; `None` without memory.
    pub fn object_frame(&mut self, number: usize) -> Option<u64> {
        let object = self.objects.get_mut(&number)?;
        if object.frame.is_none() {
            object.frame = Some(self.frames.allocate(object.initial)?);
        }
        object.frame
    }

    /// One more has an object.
    pub fn use_object(&mut self, number: usize) {
        if let Some(object) = self.objects.get_mut(&number) {
            object.users += 1;
        }
    }

    /// A number for a lease.
    pub fn next_lease(&mut self) -> u64 {
        self.last_lease += 1;
        self.last_lease
    }

    /// An address space maps an object of another torus once more or less.
    fn change_users(&mut self, key: (TorusId, u64), change: i32) {
        if let Some(held) = self.leases.get_mut(&key) {
            held.users = held.users.saturating_add_signed(change);
        }
    }

    /// A page is mapped no longer.
    pub fn leave(&mut self, backing: Backing) {
        match backing {
            Backing::Private => {}
            Backing::Own(number) => self.leave_object(number),
            Backing::Far(home, number) => self.change_users((home, number), -1),
        }
    }

    /// An address space maps an object no longer.
    pub fn leave_object(&mut self, number: usize) {
        let Some(object) = self.objects.get_mut(&number) else {
            panic!("object {number} is left, but gone");
        };
        object.users -= 1;
        if object.users == 0 {
            let frame = object.frame;
            self.objects.remove(&number);
            if let Some(frame) = frame {
                self.frames.free(frame);
            }
        }
    }

    /// Copies an address space with shares of all that it has; `None` without memory for its table.
    pub fn share_memory(&mut self, memory: &Memory) -> Option<Memory> {
        let table_frame = self.frames.allocate(0)?;
        for entry in memory.table.values() {
            match *entry {
                Entry::Present(frame) | Entry::Shared(frame) => self.frames.share(frame),
                Entry::Swapped(slot) => self.slots.share(slot),
                Entry::Remote(_) | Entry::Lent(..) => {}
            }
        }
        memory
            .own_objects()
            .for_each(|number| self.use_object(number));
        memory
            .far_objects()
            .for_each(|key| self.change_users(key, 1));
        Some(Memory {
            table_frame,
            ..memory.clone()
        })
    }

    /// Gives back all that an address space has.
    pub fn drop_memory(&mut self, memory: Memory) {
        for entry in memory.table.values() {
            self.drop_entry(*entry);
        }
        for backing in memory.mapped.values() {
            self.leave(*backing);
        }
        self.frames.free(memory.table_frame);
    }

    /// Gives back what an entry owns.
    pub fn drop_entry(&mut self, entry: Entry) {
        match entry {
            Entry::Present(frame) | Entry::Shared(frame) => self.free(Place::Frame(frame)),
            Entry::Swapped(slot) => self.free(Place::Slot(slot)),
            Entry::Remote(_) | Entry::Lent(..) => {}
        }
    }
}
