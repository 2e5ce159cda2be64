//! What a torus of the emulation has.

use std::collections::BTreeMap;

use torus::{
    DepositId, DepositNames, TorusId,
    message::Refusal,
    migrate::{Claim, Deposit, Held, HeldPages, RemotePages, Resident},
    pid::{Births, Pid},
};
use vm::addr::{Frame, Page};

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

/// A page-table entry of a process at its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    /// In a frame of the host, perhaps shared copy-on-write.
    Present(u64),
    /// In a swap slot of the host.
    Swapped(u64),
    /// In a frame of its home, or on its swap device if there is no frame.
    Remote(TorusId, Option<u64>),
    /// Shared writable, in a frame of the host.
    Shared(u64),
    /// Shared writable, in a frame of its home.
    Lease(TorusId, u64),
}

/// A process at its host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Process {
    /// The machine under test.
    pub resident: Resident,
    /// Its page table; empty while it is frozen.
    pub table: BTreeMap<Page, Entry>,
    /// The frame of its page table.
    pub table_frame: Option<u64>,
    /// How often it has moved.
    pub moves: u32,
    /// The page that its thread waits for.
    pub waits: Option<Page>,
    /// The name of its image while it is frozen.
    pub frozen: Option<Frame>,
    /// Whether SIGKILL has come while it was frozen.
    pub held: bool,
    /// Whether it has ended.
    pub ended: bool,
}

impl Process {
    /// A process that has just arrived or begun.
    pub fn new(resident: Resident, table_frame: u64, moves: u32) -> Self {
        Self {
            resident,
            table: BTreeMap::new(),
            table_frame: Some(table_frame),
            moves,
            waits: None,
            frozen: None,
            held: false,
            ended: false,
        }
    }

    /// Whether its program can do something.
    pub fn runs(&self) -> bool {
        self.resident.runs() && self.waits.is_none()
    }
}

/// A frozen process on its way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Image {
    /// Where its pages are.
    pub claims: Vec<Claim>,
    /// Its table, in which nothing is present.
    pub table: BTreeMap<Page, Entry>,
    /// How often it had moved.
    pub moves: u32,
    /// The deposit at the source, if anything stayed there.
    pub deposit: Option<DepositId>,
}

/// A deposit with its frozen page table.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Safe {
    /// The machine under test.
    pub deposit: Deposit,
    /// The frame of its table.
    pub table_frame: u64,
    /// Its pages.
    pub kept: BTreeMap<Page, Kept>,
}

/// A page of a deposit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Kept {
    /// The frame that the host's entry names.
    pub sent: Option<u64>,
    /// Where it is now.
    pub place: Place,
    /// Whether it was granted.
    pub pinned: bool,
    /// Whether it is shared writable.
    pub lease: bool,
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

    /// One share of a place more.
    pub fn share(&mut self, place: Place) {
        match place {
            Place::Frame(frame) => self.frames.share(frame),
            Place::Slot(slot) => self.slots.share(slot),
        }
    }
}

/// The page table of a process, as its machine reads it.
pub(super) struct Table<'a>(pub(super) &'a BTreeMap<Page, Entry>);

impl RemotePages for Table<'_> {
    fn remote(&self, home: TorusId, first: Page) -> u64 {
        let pages = self.0.range(first..first + 64);
        let remote =
            pages.filter(|(_, entry)| matches!(entry, Entry::Remote(at, _) if *at == home));
        remote.fold(0, |mask, (page, _)| mask | 1 << (*page - first))
    }
}

/// The table of a deposit, as its machine reads it.
pub(super) struct KeptTable<'a>(pub(super) &'a BTreeMap<Page, Kept>);

impl HeldPages for KeptTable<'_> {
    fn held(&self, page: Page) -> Option<Held> {
        let kept = self.0.get(&page)?;
        Some(match kept.place {
            Place::Frame(frame) if kept.sent == Some(frame) => Held::AsSent,
            Place::Frame(frame) => Held::At(Frame(frame)),
            Place::Slot(_) => Held::Swapped,
        })
    }
}
