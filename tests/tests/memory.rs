//! Random operations on address spaces, on the emulated machine, against a plain model: a map from
//! page to expected content and rights.

use std::collections::{BTreeMap, HashMap};

use braid_tests::machine::{Fault, Machine, MemoryObject, Space, Storage};
use proptest::prelude::*;
use vm::addr::{Frame, PAGE_SIZE, Page, VirtAddr};
use vm::clock::Clock;
use vm::fault::Access;
use vm::frames::{Owner, Use};
use vm::space::{
    AddressSpace, Advice, Backing, Flags, MapRequest, Placement, RemapRequest, SpaceError,
};
use vm::table::{Rights, TableMemory};

const CEILING: VirtAddr = VirtAddr(0x7fff_0000_0000);
/// Windows that straddle the ends of tables of each level.
const BASES: [u64; 3] = [600 * 512 - 12, 3 * 512 * 512 - 12, 2 * 512 * 512 * 512 - 12];
const WINDOW: u64 = 24;
const OBJECTS: u32 = 3;

fn address(n: u64) -> VirtAddr {
    let n = n % (WINDOW * BASES.len() as u64);
    Page(BASES[(n / WINDOW) as usize] + n % WINDOW).start()
}

fn bytes(pages: u64) -> u64 {
    pages * PAGE_SIZE as u64
}

#[derive(Clone, Debug)]
enum Op {
    Map {
        kind: u8,
        n: u64,
        pages: u64,
        rights: u8,
        backing: u8,
        offset: u64,
    },
    Unmap {
        n: u64,
        pages: u64,
    },
    Protect {
        n: u64,
        pages: u64,
        rights: u8,
    },
    Forget {
        n: u64,
        pages: u64,
    },
    Remap {
        n: u64,
        old: u64,
        new: u64,
        may_move: bool,
        fixed: Option<u64>,
    },
    Touch {
        n: u64,
        access: u8,
        core: usize,
        value: u64,
    },
    Fork,
    Exit(usize),
    Switch(usize),
    Evict(usize),
    Clear,
}

/// Sequences on few pages, where operations meet, and on many.
fn ops() -> impl Strategy<Value = Vec<Op>> {
    let pages = prop_oneof![Just(6), Just(24), Just(WINDOW * BASES.len() as u64)];
    let sizes = (pages, prop_oneof![Just(3), Just(14u64)]);
    sizes.prop_flat_map(|(pages, longest)| prop::collection::vec(op(pages, longest), 1..120))
}

fn op(pages: u64, longest: u64) -> impl Strategy<Value = Op> {
    let n = 0..pages;
    let len = 1..longest;
    prop_oneof![
        6 => (0..4u8, n.clone(), len.clone(), 0..8u8, 0..3u8, 0..6u64).prop_map(
            |(kind, n, pages, rights, backing, offset)| Op::Map { kind, n, pages, rights, backing, offset }),
        3 => (n.clone(), len.clone()).prop_map(|(n, pages)| Op::Unmap { n, pages }),
        4 => (n.clone(), len.clone(), 0..8u8).prop_map(|(n, pages, rights)| Op::Protect { n, pages, rights }),
        1 => (n.clone(), len.clone()).prop_map(|(n, pages)| Op::Forget { n, pages }),
        3 => (n.clone(), len.clone(), len, any::<bool>(), prop::option::of(n.clone())).prop_map(
            |(n, old, new, may_move, fixed)| Op::Remap { n, old, new, may_move, fixed }),
        24 => (n, prop::sample::select(&[0u8, 1, 1, 2]), 0..3usize, 1..u64::MAX / 2).prop_map(
            |(n, access, core, value)| Op::Touch { n, access, core, value }),
        2 => Just(Op::Fork),
        1 => (0..4usize).prop_map(Op::Exit),
        2 => (0..4usize).prop_map(Op::Switch),
        2 => (1..6usize).prop_map(Op::Evict),
        1 => Just(Op::Clear),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Source {
    Zero,
    Private(u32, u64),
    Shared(u32, u64),
}

impl Source {
    fn after(self, pages: u64) -> Self {
        match self {
            Self::Zero => Self::Zero,
            Self::Private(object, at) => Self::Private(object, at + pages),
            Self::Shared(object, at) => Self::Shared(object, at + pages),
        }
    }
}

#[derive(Clone, Debug)]
struct Expected {
    rights: Rights,
    source: Source,
    written: Option<u64>,
}

type Pages = BTreeMap<u64, Expected>;

/// Machine and model side by side.
struct World<'m, 's> {
    machine: &'m Machine<'s>,
    objects: Vec<MemoryObject>,
    shared: HashMap<(u32, u64), u64>,
    spaces: Vec<(u64, Space)>,
    models: Vec<Pages>,
    current: usize,
    next_id: u64,
    clock: Clock,
    /// Memory may run out: an operation may fail for it, and then has changed nothing.
    tight: bool,
}

impl<'m, 's> World<'m, 's> {
    fn new(machine: &'m Machine<'s>, tight: bool) -> Self {
        let space = AddressSpace::new(machine, Owner(100), CEILING).unwrap();
        Self {
            machine,
            objects: (0..OBJECTS).map(MemoryObject::new).collect(),
            shared: HashMap::new(),
            spaces: vec![(0, space)],
            models: vec![Pages::new()],
            current: 0,
            next_id: 1,
            clock: Clock::new(),
            tight,
        }
    }

    fn range(n: u64, pages: u64) -> std::ops::Range<u64> {
        let first = Page::containing(address(n)).0;
        first..first + pages
    }

    fn apply(&mut self, op: &Op) {
        match *op {
            Op::Map {
                kind,
                n,
                pages,
                rights,
                backing,
                offset,
            } => {
                self.map(
                    kind,
                    n,
                    pages,
                    Rights::from_bits_truncate(rights),
                    backing,
                    offset,
                );
            }
            Op::Unmap { n, pages } => {
                let (id, space) = &mut self.spaces[self.current];
                let result = space.unmap(self.machine, address(n), bytes(pages));
                if let Some(debt) = no_memory_if(self.tight, result) {
                    self.machine.pay(*id, debt);
                    let gone = Self::range(n, pages);
                    self.models[self.current].retain(|page, _| !gone.contains(page));
                }
            }
            Op::Protect { n, pages, rights } => {
                self.protect(n, pages, Rights::from_bits_truncate(rights));
            }
            Op::Forget { n, pages } => {
                let (id, space) = &mut self.spaces[self.current];
                let debt = space
                    .advise(self.machine, address(n), bytes(pages), Advice::DontNeed)
                    .unwrap();
                self.machine.pay(*id, debt);
                for (_, page) in self.models[self.current].range_mut(Self::range(n, pages)) {
                    page.written = None;
                }
            }
            Op::Remap {
                n,
                old,
                new,
                may_move,
                fixed,
            } => self.remap(n, old, new, may_move, fixed),
            Op::Touch {
                n,
                access,
                core,
                value,
            } => {
                let access = [Access::Read, Access::Write, Access::Execute][access as usize];
                self.touch(
                    self.current,
                    Page::containing(address(n)).0,
                    access,
                    core,
                    value,
                );
            }
            Op::Fork => self.fork(),
            Op::Exit(which) => {
                if self.spaces.len() > 1 {
                    let (id, space) = self.spaces.remove(which % self.spaces.len());
                    self.models.remove(which % self.models.len());
                    let debt = space.destroy(self.machine);
                    self.machine.pay(id, debt);
                    self.current = 0;
                }
            }
            Op::Switch(which) => self.current = which % self.spaces.len(),
            Op::Evict(count) => {
                self.machine
                    .evict(&mut self.clock, &mut self.spaces, &self.objects, count);
            }
            Op::Clear => {
                let (id, space) = &mut self.spaces[self.current];
                let debt = space.clear(self.machine);
                self.machine.pay(*id, debt);
                assert_eq!((space.resident(), space.swapped()), (0, 0));
                assert_eq!(
                    space.table().frames(),
                    1,
                    "all tables but the root are freed"
                );
                self.models[self.current].clear();
            }
        }
        self.check();
    }

    fn map(&mut self, kind: u8, n: u64, pages: u64, rights: Rights, backing: u8, offset: u64) {
        let placement = match kind {
            0 => Placement::Hint(address(n)),
            1 => Placement::Vacant(address(n)),
            2 => Placement::Fixed(address(n)),
            _ => Placement::Hint(VirtAddr(0)),
        };
        let name = (n % u64::from(OBJECTS)) as u32;
        let source = match backing {
            0 => Source::Zero,
            1 => Source::Private(name, offset),
            _ => Source::Shared(name, offset),
        };
        let backing = if source == Source::Zero {
            Backing::Zero
        } else {
            let object = self.objects[name as usize].clone();
            Backing::Object {
                object,
                offset,
                shared: matches!(source, Source::Shared(..)),
            }
        };
        let model = &mut self.models[self.current];
        let (id, space) = &mut self.spaces[self.current];
        let request = MapRequest {
            placement,
            length: bytes(pages),
            rights,
            maximum: Rights::all(),
            flags: Flags::empty(),
            backing,
        };
        let taken = model.range(Self::range(n, pages)).next().is_some();
        let result = space.map(self.machine, request);
        let start = match (placement, result) {
            (Placement::Vacant(_), Err(SpaceError::Exists)) if taken => return,
            (_, Ok((start, debt))) => {
                self.machine.pay(*id, debt);
                start
            }
            (_, Err(SpaceError::NoMemory)) if self.tight => return,
            (_, Err(error)) => panic!("{placement:?}: {error}"),
        };
        match placement {
            Placement::Hint(_) => {
                if !taken && kind == 0 {
                    assert_eq!(start, address(n), "a free hint is taken");
                }
            }
            _ => assert_eq!(start, address(n)),
        }
        let first = Page::containing(start).0;
        if !matches!(placement, Placement::Fixed(_)) {
            assert!(
                model.range(first..first + pages).next().is_none(),
                "placed over something"
            );
        }
        for i in 0..pages {
            let page = Expected {
                rights,
                source: source.after(i),
                written: None,
            };
            model.insert(first + i, page);
        }
    }

    fn protect(&mut self, n: u64, pages: u64, rights: Rights) {
        let range = Self::range(n, pages);
        let model = &mut self.models[self.current];
        let (id, space) = &mut self.spaces[self.current];
        let whole = model.range(range.clone()).count() as u64 == pages;
        match space.protect(self.machine, address(n), bytes(pages), rights) {
            Ok(debt) => {
                self.machine.pay(*id, debt);
                assert!(whole);
                model
                    .range_mut(range)
                    .for_each(|(_, page)| page.rights = rights);
            }
            Err(error) => {
                assert_eq!(error, SpaceError::NoMemory);
                assert!(!whole || self.tight);
            }
        }
    }

    fn remap(&mut self, n: u64, old: u64, new: u64, may_move: bool, fixed: Option<u64>) {
        let model = &mut self.models[self.current];
        let (id, space) = &mut self.spaces[self.current];
        let request = RemapRequest {
            address: address(n),
            old_length: bytes(old),
            new_length: bytes(new),
            may_move,
            fixed: fixed.map(address),
        };
        let Ok(remapped) = space.remap(self.machine, request) else {
            return;
        };
        self.machine.pay(*id, remapped.debt);
        let from = Self::range(n, old);
        let to = Page::containing(remapped.address).0;
        if let Some(fixed) = fixed {
            assert_eq!(remapped.address, address(fixed));
        } else if new > old && to != from.start {
            assert!(model.range(to..to + new).next().is_none());
        }
        let moved: Vec<Expected> = from
            .clone()
            .map(|page| model.remove(&page).expect("was mapped"))
            .collect();
        for i in 0..new {
            let page = match moved.get(i as usize) {
                Some(page) => page.clone(),
                None => Expected {
                    source: moved[0].source.after(i),
                    written: None,
                    rights: moved[0].rights,
                },
            };
            model.insert(to + i, page);
        }
    }

    fn touch(&mut self, which: usize, page: u64, access: Access, core: usize, value: u64) {
        let expected = self.models[which].get(&page).cloned();
        let (id, space) = &mut self.spaces[which];
        let result = self
            .machine
            .access(core, *id, space, Page(page).start(), access);
        let allowed = expected.as_ref().is_some_and(|expected| match access {
            Access::Read => !expected.rights.is_empty(),
            Access::Write => expected.rights.contains(Rights::WRITE),
            Access::Execute => expected.rights.contains(Rights::EXECUTE),
        });
        match (result, expected) {
            (Ok(frame), Some(expected)) => {
                assert!(allowed, "{access:?} of {page:#x} must be refused");
                self.compare(which, page, frame, &expected);
                if access == Access::Write {
                    self.machine.set_content(frame, value);
                    match expected.source {
                        Source::Shared(object, at) => {
                            self.shared.insert((object, at), value);
                        }
                        _ => self.models[which].get_mut(&page).unwrap().written = Some(value),
                    }
                }
            }
            (Err(Fault::Refused(_)), _) => {
                assert!(!allowed, "{access:?} of {page:#x} must succeed");
            }
            (Err(Fault::OutOfMemory), Some(_)) if self.tight => {}
            (result, expected) => panic!("{access:?} of {page:#x}: {result:?}, not {expected:?}"),
        }
    }

    fn compare(&self, which: usize, page: u64, frame: Frame, expected: &Expected) {
        let object = |name: u32, at: u64| {
            let initial = MemoryObject::initial(name, at);
            self.shared.get(&(name, at)).copied().unwrap_or(initial)
        };
        let value = expected.written.unwrap_or_else(|| match expected.source {
            Source::Zero => 0,
            Source::Private(name, at) | Source::Shared(name, at) => object(name, at),
        });
        let found = self.machine.content(frame);
        assert_eq!(found, value, "space {which} page {page:#x}: {expected:?}");
    }

    fn fork(&mut self) {
        if self.spaces.len() == 4 {
            return;
        }
        let (id, space) = &mut self.spaces[self.current];
        let (child, debt) = space.fork(self.machine);
        self.machine.pay(*id, debt);
        let Some(child) = no_memory_if(self.tight, child) else {
            return;
        };
        self.spaces.push((self.next_id, child));
        self.models.push(self.models[self.current].clone());
        self.next_id += 1;
    }

    /// What must hold between any two operations.
    fn check(&self) {
        let (_, space) = &self.spaces[self.current];
        let model = &self.models[self.current];
        assert_eq!(space.mapped(), model.len() as u64);
        for pair in space.mappings().windows(2) {
            assert!(pair[0].range.end <= pair[1].range.start);
            let one = pair[0].range.end == pair[1].range.start
                && pair[0].rights == pair[1].rights
                && pair[0].origin + pair[0].range.len() == pair[1].origin
                && matches!(
                    (&pair[0].backing, &pair[1].backing),
                    (Backing::Zero, Backing::Zero)
                );
            assert!(!one, "{pair:?} are one mapping");
        }
        for mapping in space.mappings() {
            assert!(!mapping.range.is_empty());
            for page in mapping.range.iter() {
                assert_eq!(model[&page.0].rights, mapping.rights, "{page:?}");
            }
        }
    }

    /// The reverse map finds every reference to a frame.
    fn check_reverse_map(&self) {
        let frames = self.machine.frames();
        for frame in frames.range().iter() {
            let held = match frames.usage(frame) {
                Use::Private => 0,
                Use::Cached => 1,
                _ => continue,
            };
            let ages = self
                .spaces
                .iter()
                .map(|(_, space)| space.age(self.machine, frame).entries);
            assert_eq!(ages.sum::<u32>() + held, frames.shares(frame), "{frame:?}");
        }
    }

    /// Touches everything, ends everything, and counts.
    fn finish(mut self, frames: u64, slots: u64) {
        for which in 0..self.spaces.len() {
            let pages: Vec<u64> = self.models[which].keys().copied().collect();
            for page in pages {
                self.touch(which, page, Access::Read, which % 3, 0);
                self.touch(which, page, Access::Write, (which + 1) % 3, page);
                self.touch(which, page, Access::Execute, which % 3, 0);
            }
        }
        self.check_reverse_map();
        for (id, space) in self.spaces.drain(..) {
            let debt = space.destroy(self.machine);
            self.machine.pay(id, debt);
        }
        for object in &self.objects {
            object.drop_cache(self.machine);
        }
        assert_eq!(self.machine.available(), frames, "frames leak");
        assert_eq!(self.machine.available_slots(), slots, "swap slots leak");
    }
}

/// What went well; memory may be out where it is tight.
fn no_memory_if<T>(tight: bool, result: Result<T, SpaceError>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(SpaceError::NoMemory) if tight => None,
        Err(error) => panic!("{error}"),
    }
}

fn run(storage: &mut Storage, ops: &[Op], tight: bool) {
    let machine = Machine::new(storage, 3);
    let (frames, slots) = (machine.available(), machine.available_slots());
    let mut world = World::new(&machine, tight);
    for op in ops {
        world.apply(op);
    }
    world.finish(frames, slots);
}

proptest! {
    #[test]
    fn address_spaces_do_as_the_model(ops in ops()) {
        let mut storage = Storage::new(4096, 1024);
        run(&mut storage, &ops, false);
    }

    #[test]
    fn address_spaces_survive_the_end_of_memory(
        frames in 8..60u64,
        slots in 1..20usize,
        ops in ops(),
    ) {
        let mut storage = Storage::new(frames, slots);
        run(&mut storage, &ops, true);
    }
}

#[test]
fn a_mapping_moved_within_one_table_keeps_its_pages() {
    let ops = [
        Op::Map {
            kind: 2,
            n: 0,
            pages: 2,
            rights: 3,
            backing: 0,
            offset: 0,
        },
        Op::Touch {
            n: 1,
            access: 1,
            core: 0,
            value: 77,
        },
        Op::Remap {
            n: 0,
            old: 2,
            new: 2,
            may_move: true,
            fixed: Some(5),
        },
        Op::Touch {
            n: 6,
            access: 0,
            core: 1,
            value: 0,
        },
    ];
    run(&mut Storage::new(256, 16), &ops, false);
}
