//! Spaces that move between tori: frozen at one, folded at the next, with every operation in between, against a model.

use std::collections::BTreeMap;

use braid_tests::machine::{Fault, Machine, MemoryObject, Space, Storage};
use braid_tests::network::Rng;
use vm::addr::{Frame, PAGE_SIZE, Page, PageRange, VirtAddr};
use vm::fault::Access;
use vm::flush::FlushDebt;
use vm::frames::{Owner, Use};
use vm::space::{
    AddressSpace, Advice, Away, Backing, Flags, Kept, MapRequest, Parts, Placement, RemapRequest,
    SpaceError, granted,
};
use vm::table::{Rights, Source, TableMemory};

const CEILING: VirtAddr = VirtAddr(0x7fff_0000_0000);
const RW: Rights = Rights::READ.union(Rights::WRITE);
const SIZE: u64 = PAGE_SIZE as u64;
const OBJECT: u32 = 9;
/// Where pages are: across the border of two leaf tables, beyond one of level 2, and one of level 3.
const PLACES: [u64; 4] = [0x1_0000 - 20, 0x1_0e00, 0x8_0000, 0x800_0000];
const TORI: u64 = 3;

/// A frozen space, on its torus.
struct Frozen {
    source: Source,
    torus: u64,
    space: Space,
}

/// What was met, so that a test that meets nothing fails.
#[derive(Debug, Default)]
struct Met {
    pulled: u64,
    read_back: u64,
    taken_back: u64,
    away: u64,
    wiped: u64,
}

/// A process that moves, with what stayed behind, and what each of its pages must hold.
struct World<'a> {
    machine: Machine<'a>,
    object: MemoryObject,
    frozen: Vec<Frozen>,
    live: Space,
    /// What cores know the live space by.
    id: u64,
    torus: u64,
    model: BTreeMap<Page, u64>,
    written: u64,
    met: Met,
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
    fn new(storage: &'a mut Storage) -> Self {
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

    fn pay(&self, debt: FlushDebt) {
        self.machine.pay(self.id, debt);
    }

    fn map(&mut self, range: PageRange, of_object: bool) {
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

    fn read(&mut self, page: Page) {
        let frame = self.access(page, Access::Read);
        let found = frame.map(|frame| self.machine.content(frame));
        assert_eq!(found, self.model.get(&page).copied(), "{page:?}");
    }

    fn write(&mut self, page: Page) {
        if let Some(frame) = self.access(page, Access::Write) {
            self.written += 1;
            self.machine.set_content(frame, self.written << 32);
            self.model.insert(page, self.written << 32);
        }
    }

    fn unmap(&mut self, range: PageRange) {
        let (start, length) = (range.start.start(), range.len() * SIZE);
        let debt = self.live.unmap(&self.machine, start, length);
        self.pay(debt.expect("memory"));
        self.model.retain(|page, _| !range.contains(*page));
    }

    /// Forgets the content of anonymous memory.
    fn forget(&mut self, range: PageRange) {
        let (start, length) = (range.start.start(), range.len() * SIZE);
        let advice = Advice::Free;
        if let Ok(debt) = self.live.advise(&self.machine, start, length, advice) {
            self.pay(debt);
            let pages = self.model.range_mut(range.start..range.end);
            pages.for_each(|(_, word)| *word = 0);
        }
    }

    /// Takes rights away and gives them back, with a look in between.
    fn protect(&mut self, range: PageRange) {
        let (start, length) = (range.start.start(), range.len() * SIZE);
        for rights in [Rights::empty(), Rights::READ, RW] {
            // It stops at the first hole, with what lies before it changed.
            let (_, debt) = self.live.protect(&self.machine, start, length, rights);
            self.pay(debt);
            if rights == Rights::READ {
                self.read(range.start);
            }
        }
    }

    fn remap(&mut self, range: PageRange, to: Page) {
        let request = RemapRequest {
            address: range.start.start(),
            old_length: range.len() * SIZE,
            new_length: range.len() * SIZE,
            may_move: true,
            to: Placement::Fixed(to.start()),
            keep_old: false,
        };
        let (mut outcome, debt) = self.live.remap(&self.machine, request);
        self.pay(debt);
        if outcome == Err(SpaceError::Away) {
            self.met.away += 1;
            range.iter().for_each(|page| self.read(page));
            let again = self.live.remap(&self.machine, request);
            outcome = again.0;
            self.pay(again.1);
        }
        if outcome.is_err() {
            return;
        }
        for (from, to) in range.iter().zip(PageRange::at(to, range.len()).iter()) {
            // Gaps stay gaps of what is moved, and leave what is at the target.
            if let Some(word) = self.model.remove(&from) {
                self.model.insert(to, word);
            }
        }
    }

    /// Moves on to another torus.
    fn migrate(&mut self, torus: u64) {
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

    /// Has children not get the pages of a range, get them wiped, or get them again.
    fn leave_out(&mut self, range: PageRange, which: u64) {
        let advice = match which {
            0 => Advice::Set(Flags::DONT_FORK),
            1 => Advice::Clear(Flags::DONT_FORK),
            2 => Advice::Set(Flags::WIPE_ON_FORK),
            _ => Advice::Clear(Flags::WIPE_ON_FORK),
        };
        let (start, length) = (range.start.start(), range.len() * SIZE);
        // Pages of objects cannot be wiped.
        if let Ok(debt) = self.live.advise(&self.machine, start, length, advice) {
            self.pay(debt);
        }
    }

    /// Forks, and ends one of the two with all that is kept for it.
    fn fork(&mut self, goes_on: bool) {
        let (child, debt) = self.live.fork(&self.machine);
        self.pay(debt);
        let mut child = child.expect("memory");
        let mut others = Vec::new();
        for home in &mut self.frozen {
            let (space, debt) = home.space.fork_frozen(&self.machine);
            self.machine.pay(0, debt);
            let space = space.expect("memory");
            let noted = child.set_source(home.source, space.table().root());
            noted.expect("memory");
            let (source, torus) = (home.source, home.torus);
            others.push(Frozen {
                source,
                torus,
                space,
            });
        }
        if goes_on {
            let (parent, written) = (&self.live, &mut self.model);
            let flags = |page: &Page| parent.find(page.start()).map(|mapping| mapping.flags);
            written.retain(|page, _| flags(page).is_some_and(|f| !f.contains(Flags::DONT_FORK)));
            for (page, word) in written {
                if flags(page).is_some_and(|flags| flags.contains(Flags::WIPE_ON_FORK)) {
                    (*word, self.met.wiped) = (0, self.met.wiped + 1);
                }
            }
            self.id += 1;
            std::mem::swap(&mut self.live, &mut child);
            std::mem::swap(&mut self.frozen, &mut others);
        }
        self.pay(child.destroy(&self.machine));
        for home in others {
            self.pay(home.space.destroy(&self.machine));
        }
    }

    /// Writes a page of a frozen or of the live space to swap, if nobody else has it.
    fn swap_out(&mut self, page: Page, which: usize) {
        let spaces = self.frozen.iter_mut().map(|home| &mut home.space);
        let spaces: Vec<_> = spaces.chain([&mut self.live]).collect();
        let index = which % spaces.len();
        let frozen = index + 1 < spaces.len();
        let entry = spaces[index].table().entry(&self.machine, page);
        let sole = entry.holds_frame() && self.machine.frames().is_exclusive(entry.frame());
        if sole && !entry.is_pinned() {
            let all = spaces.into_iter().map(|space| (self.id, space));
            assert!(self.machine.evict_private(entry.frame(), all) || !frozen);
        }
    }

    /// Brings everything, and closes what stayed behind.
    fn settle(&mut self) {
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

    fn check(&mut self) {
        for page in self.model.keys().copied().collect::<Vec<_>>() {
            self.read(page);
        }
        let homes = self.frozen.iter().map(|home| &home.space);
        for space in homes.chain([&self.live]) {
            space.audit(&self.machine, |_, _, _| false, |stray| panic!("{stray}"));
        }
    }

    /// Ends the process, and looks whether everything was given back.
    fn end(self) -> Met {
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

/// A range near one of the places.
fn range(rng: &mut Rng) -> PageRange {
    let place = PLACES[rng.below(4) as usize];
    PageRange::at(Page(place + rng.below(40)), 1 + rng.below(12))
}

/// One of the pages that are mapped.
fn mapped(rng: &mut Rng, world: &World<'_>) -> Page {
    let count = world.model.len().max(1);
    let some = world.model.keys().nth(rng.below(count as u64) as usize);
    some.copied().unwrap_or_default()
}

fn act(rng: &mut Rng, world: &mut World<'_>) {
    let page = mapped(rng, world);
    match rng.below(100) {
        0..15 => world.map(range(rng), rng.below(4) == 0),
        15..45 => world.write(page),
        45..60 => world.read(page),
        60..63 => world.unmap(range(rng)),
        63..65 => world.forget(range(rng)),
        65..68 => {
            let place = PLACES[rng.below(4) as usize];
            world.leave_out(PageRange::at(Page(place), 64), rng.below(4));
        }
        68..71 => world.protect(range(rng)),
        71..74 => {
            let place = PLACES[rng.below(4) as usize] + 100 + rng.below(300) * 16;
            world.remap(PageRange::at(page, 1 + rng.below(4)), Page(place));
        }
        74..78 => world.fork(rng.below(2) == 0),
        78..84 => world.swap_out(page, rng.below(8) as usize),
        84..86 => world.settle(),
        _ if world.frozen.len() < 6 => {
            let torus = (world.torus + 1 + rng.below(TORI - 1)) % TORI;
            world.migrate(torus);
        }
        _ => world.settle(),
    }
}

#[test]
fn spaces_keep_their_pages_however_they_move() {
    let mut all = Met::default();
    for seed in 0..1000 {
        let run = || {
            let mut storage = Storage::new(2048, 64);
            let mut world = World::new(&mut storage);
            let mut rng = Rng::new(seed);
            for _ in 0..60 {
                act(&mut rng, &mut world);
            }
            world.check();
            world.settle();
            world.check();
            world.end()
        };
        let met = std::panic::catch_unwind(run).unwrap_or_else(|_| panic!("seed {seed}"));
        all.pulled += met.pulled;
        all.read_back += met.read_back;
        all.taken_back += met.taken_back;
        all.away += met.away;
        all.wiped += met.wiped;
    }
    let rare = [
        all.pulled,
        all.read_back,
        all.taken_back,
        all.away,
        all.wiped,
    ];
    assert!(rare.iter().all(|count| *count > 100), "{all:?}");
}
