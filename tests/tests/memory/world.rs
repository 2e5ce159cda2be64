//! Machine and model side by side.

use std::collections::HashMap;

use braid_tests::machine::{Fault, Machine, MemoryObject, Space};
use vm::addr::{PAGES_PER_2M, Page, VirtAddr};
use vm::clock::Clock;
use vm::fault::Access;
use vm::frames::Owner;
use vm::space::{
    AddressSpace, Advice, Backing, Flags, MapRequest, Placement, RemapRequest, SpaceError,
};
use vm::table::Rights;

use super::model::{Expected, Pages, Source};
use super::ops::{BASES, CEILING, OBJECTS, Op, address, bytes};

/// Machine and model side by side.
pub(crate) struct World<'m, 's> {
    pub(super) machine: &'m Machine<'s>,
    pub(super) objects: Vec<MemoryObject>,
    pub(super) shared: HashMap<(u32, u64), u64>,
    pub(super) spaces: Vec<(u64, Space)>,
    pub(super) models: Vec<Pages>,
    pub(super) current: usize,
    next_id: u64,
    clock: Clock,
    /// Memory may run out: an operation may fail for it, and then has changed nothing.
    tight: bool,
}

impl<'m, 's> World<'m, 's> {
    pub(crate) fn new(machine: &'m Machine<'s>, tight: bool) -> Self {
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

    pub(crate) fn apply(&mut self, op: &Op) {
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
            Op::Huge => self.huge(),
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
            Op::BringBack { n, found } => {
                let page = Page::containing(address(n));
                let found = |space: usize| found >> (space % 8) & 1 != 0;
                self.machine
                    .bring_back(&mut self.spaces, self.current, page, found);
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
        let name = (n % u64::from(OBJECTS)) as u32;
        let source = match backing {
            0 => Source::Zero,
            1 => Source::Private(name, offset),
            _ => Source::Shared(name, offset),
        };
        self.map_at(kind, address(n), pages, rights, source);
    }

    fn backing(&self, source: Source) -> Backing<MemoryObject> {
        match source {
            Source::Zero => Backing::Zero,
            Source::Private(name, offset) | Source::Shared(name, offset) => {
                let object = self.objects[name as usize].clone();
                Backing::Object {
                    object,
                    offset,
                    shared: matches!(source, Source::Shared(..)),
                }
            }
        }
    }

    fn map_at(&mut self, kind: u8, at: VirtAddr, pages: u64, rights: Rights, source: Source) {
        let placement = match kind {
            0 => Placement::Hint(at),
            1 => Placement::Vacant(at),
            2 => Placement::Fixed(at),
            _ => Placement::Hint(VirtAddr(0)),
        };
        let request = MapRequest {
            placement,
            length: bytes(pages),
            rights,
            maximum: Rights::all(),
            flags: Flags::empty(),
            backing: self.backing(source),
        };
        let model = &mut self.models[self.current];
        let (id, space) = &mut self.spaces[self.current];
        let wanted = Page::containing(at).0;
        let taken = model.range(wanted..wanted + pages).next().is_some();
        let start = match space.map(self.machine, request) {
            Err(SpaceError::Exists) if taken && kind == 1 => return,
            result => match no_memory_if(self.tight, result) {
                None => return,
                Some((start, debt)) => {
                    self.machine.pay(*id, debt);
                    start
                }
            },
        };
        if kind == 1 || kind == 2 || (kind == 0 && !taken) {
            assert_eq!(start, at, "a free hint is taken");
        }
        let first = Page::containing(start).0;
        if kind != 2 {
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
        let (result, debt) = space.protect(self.machine, address(n), bytes(pages), rights);
        self.machine.pay(*id, debt);
        let whole = model.range(range.clone()).count() as u64 == pages;
        assert!(whole || result.is_err());
        let done = |page: u64| space.find(Page(page).start()).unwrap().rights == rights;
        for page in range {
            // Pages before the first obstacle are changed.
            let Some(page) = model
                .get_mut(&page)
                .filter(|_| result.is_ok() || done(page))
            else {
                assert_eq!(result, Err(SpaceError::NoMemory));
                assert!(!model.contains_key(&page) || self.tight);
                break;
            };
            page.rights = rights;
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
            to: fixed.map_or(Placement::Hint(VirtAddr(0)), |n| {
                Placement::Fixed(address(n))
            }),
            keep_old: false,
        };
        let (result, debt) = space.remap(self.machine, request);
        self.machine.pay(*id, debt);
        let from = Self::range(n, old);
        let Ok(at) = result else {
            // Of several mappings the first ones have been moved.
            for (from, to) in from.zip(Self::range(fixed.unwrap_or(0), old)) {
                if space.find(Page(from).start()).is_none()
                    && let Some(page) = model.remove(&from)
                {
                    model.insert(to, page);
                }
            }
            return;
        };
        let to = Page::containing(at).0;
        if let Some(fixed) = fixed {
            assert_eq!(at, address(fixed));
        } else if new > old && to != from.start {
            assert!(model.range(to..to + new).next().is_none());
        }
        let (kept, cut) = (old.min(new), from.start + old.min(new)..from.end);
        let resized = old != new && (fixed.is_some() || new > old);
        let moved: Vec<Option<Expected>> = (from.start..from.start + kept)
            .map(|page| model.remove(&page))
            .inspect(|page| assert!(page.is_some() || !resized, "a gap was resized"))
            .collect();
        cut.for_each(|page| {
            model.remove(&page);
        });
        for i in 0..new {
            let page = match (moved.get(i as usize), &moved[0]) {
                (Some(page), _) => page.clone(),
                (None, Some(first)) => Some(Expected {
                    source: first.source.after(i),
                    written: None,
                    rights: first.rights,
                }),
                (None, None) => panic!("nothing grew"),
            };
            if let Some(page) = page {
                model.insert(to + i, page);
            }
        }
    }

    pub(super) fn touch(
        &mut self,
        which: usize,
        page: u64,
        access: Access,
        core: usize,
        value: u64,
    ) {
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

    fn huge(&mut self) {
        let start = Page(BASES[0] / PAGES_PER_2M * PAGES_PER_2M).start();
        self.map_at(
            2,
            start,
            2 * PAGES_PER_2M,
            Rights::READ | Rights::WRITE,
            Source::Zero,
        );
        let (_, space) = &mut self.spaces[self.current];
        let advised = space.advise(
            self.machine,
            start,
            bytes(2 * PAGES_PER_2M),
            Advice::Set(Flags::HUGE),
        );
        if let Some(debt) = no_memory_if(self.tight, advised) {
            assert!(debt.is_none());
        }
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
}

/// What went well; memory may be out where it is tight.
fn no_memory_if<T>(tight: bool, result: Result<T, SpaceError>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(SpaceError::NoMemory) if tight => None,
        Err(error) => panic!("{error}"),
    }
}
