//! A process that moves, and what each of its pages must hold.

use std::collections::BTreeMap;

use braid_tests::machine::{Fault, Machine, MemoryObject, Space, Storage};
use vm::addr::{Frame, PAGE_SIZE, Page, PageRange, VirtAddr};
use vm::fault::Access;
use vm::flush::FlushDebt;
use vm::frames::{Owner, Use};
use vm::space::{AddressSpace, Away, Backing, Flags, Kept, MapRequest, Parts, Placement, granted};
use vm::table::{Rights, Source};

const CEILING: VirtAddr = VirtAddr(0x7fff_0000_0000);
pub(crate) const RW: Rights = Rights::READ.union(Rights::WRITE);
pub(crate) const SIZE: u64 = PAGE_SIZE as u64;
const OBJECT: u32 = 9;

/// A frozen space, on its torus.
pub(crate) struct Frozen {
    pub(crate) source: Source,
    pub(crate) torus: u64,
    pub(crate) space: Space,
}

/// What was met, so that a test that meets nothing fails.
#[derive(Debug, Default)]
pub(crate) struct Met {
    pub(crate) pulled: u64,
    pub(crate) read_back: u64,
    pub(crate) taken_back: u64,
    pub(crate) away: u64,
    pub(crate) wiped: u64,
}

/// A process that moves, with what stayed behind, and what each of its pages must hold.
pub(crate) struct World<'a> {
    pub(crate) machine: Machine<'a>,
    object: MemoryObject,
    pub(crate) frozen: Vec<Frozen>,
    pub(crate) live: Space,
    /// What cores know the live space by.
    pub(crate) id: u64,
    pub(crate) torus: u64,
    pub(crate) model: BTreeMap<Page, u64>,
    pub(crate) written: u64,
    pub(crate) met: Met,
    /// Frames and slots before the process.
    at_start: (u64, u64),
}

fn parts(machine: &Machine<'_>, space: &Space) -> Parts<MemoryObject> {
    Parts {
        mappings: space.mappings(machine).cloned().collect(),
        heap: space.heap(),
        ceiling: CEILING,
        limits: space.limits,
        peak: space.peak(),
    }
}

impl<'a> World<'a> {
    pub(crate) fn new(storage: &'a mut Storage) -> Self {
        let machine = Machine::new(storage, 1);
        let at_start = (machine.available(), machine.available_slots());
        let live = AddressSpace::new(&machine, Owner(1), CEILING).expect("memory");
        Self {
            machine,
            object: MemoryObject::new(OBJECT),
            frozen: Vec::new(),
            live,
            id: 0,
            torus: 0,
            model: BTreeMap::new(),
            written: 0,
            met: Met::default(),
            at_start,
        }
    }

    pub(crate) fn pay(&self, debt: FlushDebt) {
        self.machine.pay(self.id, debt);
    }

    pub(crate) fn map(&mut self, range: PageRange, of_object: bool) {
        let offset = range.start.0 % 1000;
        let backing = match of_object {
            true => Backing::Object {
                object: self.object.clone(),
                offset,
                shared: false,
            },
            false => Backing::Zero,
        };
        let request = MapRequest {
            placement: Placement::Fixed(range.start.start()),
            length: range.len() * SIZE,
            rights: RW,
            maximum: Rights::all(),
            flags: Flags::empty(),
            backing,
        };
        let (_, debt) = self.live.map(&self.machine, request).expect("memory");
        self.pay(debt);
        for (page, index) in range.iter().zip(offset..) {
            let initial = MemoryObject::initial(OBJECT, index);
            self.model.insert(page, if of_object { initial } else { 0 });
        }
    }

    /// Brings a remote page, as its home and the host do together.
    fn bring(&mut self, page: Page, source: Source) {
        let machine = &self.machine;
        let mut all = self.frozen.iter_mut();
        let home = all.find(|frozen| frozen.source == source).expect("open");
        if home.torus == self.torus {
            self.met.taken_back += 1;
            let taken = self.live.take_back(machine, &mut home.space, source, page);
            return taken.expect("memory");
        }
        self.met.pulled += 1;
        let word = match home.space.kept(machine, page).expect("it is kept") {
            Kept::Frame(frame) => {
                home.space.pin(machine, page);
                let root = home.space.table().root();
                assert_eq!(granted(machine, root, page), Some(frame));
                assert_eq!(self.live.table().root_of(source), Some(root));
                machine.content(frame)
            }
            Kept::Slot(slot) => {
                self.met.read_back += 1;
                machine.read_slot(slot)
            }
        };
        let frame = machine.allocate(Use::Private).expect("a frame");
        machine.set_content(frame, word);
        assert!(self.live.arrive(machine, page, frame, true));
        assert!(!self.live.arrive(machine, page, frame, true), "it has come");
        let debt = home.space.drop_page(machine, page);
        machine.pay(0, debt);
        assert_eq!(home.space.kept(machine, page), None);
    }

    fn access(&mut self, page: Page, access: Access) -> Option<Frame> {
        loop {
            let at = page.start();
            match self.machine.access(0, self.id, &mut self.live, at, access) {
                Ok(frame) => return Some(frame),
                Err(Fault::Away(source)) => self.bring(page, source),
                Err(Fault::Refused(_)) => return None,
                Err(Fault::OutOfMemory) => panic!("there is memory"),
            }
        }
    }

    pub(crate) fn read(&mut self, page: Page) {
        let frame = self.access(page, Access::Read);
        let found = frame.map(|frame| self.machine.content(frame));
        assert_eq!(found, self.model.get(&page).copied(), "{page:?}");
    }

    pub(crate) fn write(&mut self, page: Page) {
        if let Some(frame) = self.access(page, Access::Write) {
            self.written += 1;
            self.machine.set_content(frame, self.written << 32);
            self.model.insert(page, self.written << 32);
        }
    }

    /// Moves on to another torus.
    pub(crate) fn migrate(&mut self, torus: u64) {
        let used = |number| self.frozen.iter().any(|frozen| frozen.source.0 == number);
        let number = (0..).find(|number| !used(*number)).expect("a number");
        let source = Source(number);
        let before = |torus| self.frozen.iter().find(move |known| known.torus == torus);
        let own = before(torus).map(|known| known.space.lineage());
        self.written += 1;
        let lineage = own.unwrap_or(Owner(100 + self.written as u32));
        let mut next =
            AddressSpace::of_parts(&self.machine, lineage, parts(&self.machine, &self.live))
                .expect("memory");
        for known in &self.frozen {
            let noted = next.set_source(known.source, known.space.table().root());
            noted.expect("memory");
        }
        let noted = next.set_source(source, self.live.table().root());
        noted.expect("memory");
        next.fold(&self.machine, source);
        let space = std::mem::replace(&mut self.live, next);
        self.frozen.push(Frozen {
            source,
            torus: self.torus,
            space,
        });
        self.torus = torus;
        self.id += 1;
    }

    /// Brings everything, and closes what stayed behind.
    pub(crate) fn settle(&mut self) {
        let mut page = Page(0);
        while let Some(away) = self.live.next_away(&self.machine, page) {
            match away {
                Away::Folded(at, _) => {
                    self.live.unfold(&self.machine, at).expect("memory");
                    page = at;
                }
                Away::Page(at, source) => {
                    let mask = self.live.remote(&self.machine, source, at);
                    assert_eq!(mask & 1, 1, "the first is remote");
                    self.bring(at, source);
                    page = at;
                }
            }
        }
        for home in std::mem::take(&mut self.frozen) {
            self.live.forget_source(home.source);
            self.pay(home.space.destroy(&self.machine));
        }
    }

    pub(crate) fn check(&mut self) {
        for page in self.model.keys().copied().collect::<Vec<_>>() {
            self.read(page);
        }
        let homes = self.frozen.iter().map(|home| &home.space);
        for space in homes.chain([&self.live]) {
            space.audit(&self.machine, |_, _, _| false, |stray| panic!("{stray}"));
        }
    }

    /// Ends the process, and looks whether everything was given back.
    pub(crate) fn end(self) -> Met {
        let machine = self.machine;
        machine.pay(self.id, self.live.destroy(&machine));
        for home in self.frozen {
            machine.pay(self.id, home.space.destroy(&machine));
        }
        self.object.drop_cache(&machine);
        let left = (machine.available(), machine.available_slots());
        assert_eq!(left, self.at_start);
        self.met
    }
}
