//! What a process has mapped: maps, smaps, and the sums of stat and status.

use super::text::Text;
use crate::process::Process;
use machine::cpu;
use mem::object::ObjectRef;
use mem::space::Space;
use vm::addr::{Frame, PAGE_SIZE, Page, PageRange, USER_END};
use vm::space::{Backing, Flags, Mapping, Object};
use vm::table::{Entry, Rights, State, TableMemory};

/// Sums over the mappings of a process, in pages.
#[derive(Clone, Copy, Default)]
pub(super) struct Totals {
    pub(super) mapped: u64,
    pub(super) resident: u64,
    pub(super) peak: u64,
    pub(super) swapped: u64,
    pub(super) locked: u64,
    /// Of private mappings that can be written, the stack apart.
    pub(super) data: u64,
    pub(super) stack_pages: u64,
    /// Of mappings that can be executed.
    pub(super) executable: u64,
    /// Of shared mappings.
    pub(super) shared: u64,
    /// Frames of page tables.
    pub(super) tables: u64,
    /// Addresses where the first code begins and ends.
    pub(super) code: (u64, u64),
    /// Addresses where the stack and the heap begin.
    pub(super) stack: u64,
    pub(super) heap: u64,
}

/// The sums; all are 0 for a process that has ended.
pub(super) fn totals(process: &Process) -> Totals {
    let Some(space) = process.space() else {
        return Totals::default();
    };
    let mut totals = space.look(|space| Totals {
        mapped: space.mapped(),
        resident: space.resident(),
        peak: space.peak(),
        swapped: space.swapped(),
        tables: space.table().frames(),
        heap: space.heap().0.0,
        ..Totals::default()
    });
    each(process, |mapping, _| add(&mut totals, mapping));
    totals
}

fn add(totals: &mut Totals, mapping: &Mapping<ObjectRef>) {
    let pages = mapping.range.len();
    if mapping.flags.contains(Flags::LOCKED) {
        totals.locked += pages;
    }
    if mapping.rights.contains(Rights::EXECUTE) {
        totals.executable += pages;
        if totals.code.0 == 0 {
            totals.code = (mapping.range.start.start().0, mapping.range.end.start().0);
        }
    }
    if mapping.flags.contains(Flags::GROWS_DOWN) {
        totals.stack_pages += pages;
        totals.stack = mapping.range.end.start().0;
    } else if mapping.is_private() && mapping.rights.contains(Rights::WRITE) {
        totals.data += pages;
    }
    if !mapping.is_private() {
        totals.shared += pages;
    }
}

/// Pages of a mapping by what its entries say.
#[derive(Clone, Copy, Default)]
struct Pages {
    resident: u64,
    /// Of these, those that others map, too.
    shared: u64,
    /// Bytes of the resident ones, each divided by how often it is mapped.
    proportional: u64,
    anonymous: u64,
    dirty: u64,
    referenced: u64,
    swapped: u64,
    large: u64,
}

impl Pages {
    fn add(&mut self, other: Self) {
        self.resident += other.resident;
        self.shared += other.shared;
        self.proportional += other.proportional;
        self.anonymous += other.anonymous;
        self.dirty += other.dirty;
        self.referenced += other.referenced;
        self.swapped += other.swapped;
        self.large += other.large;
    }
}

/// Mappings that are told under one hold of the space's lock.
const BATCH: usize = 16;

/// Tells of all mappings, ascending, and how many pages each has present. The space is let go between batches, and interrupts come in:
/// what is mapped meanwhile behind the last one told is told too.
fn each(process: &Process, mut tell: impl FnMut(&Mapping<ObjectRef>, &dyn Fn() -> Pages)) {
    let Some(space) = process.space() else {
        return;
    };
    let memory = tori::here().memory();
    let end = Page::containing(USER_END);
    let mut from = Page(0);
    loop {
        let told = space.look(|space| {
            let mut last = None;
            let rest = PageRange::new(from, end);
            for mapping in space.mappings_in(memory, rest).take(BATCH) {
                let pages = || {
                    let mut pages = Pages::default();
                    space.visit(memory, mapping.range, |page, entry| {
                        count(&mut pages, mapping, page, entry);
                    });
                    pages
                };
                tell(mapping, &pages);
                last = Some(mapping.range.end);
                cpu::let_interrupts_in();
            }
            last
        });
        let Some(last) = told else { return };
        from = last;
    }
}

fn count(pages: &mut Pages, mapping: &Mapping<ObjectRef>, page: Page, entry: Entry) {
    let n = if entry.is_large() {
        let end = Page((page.0 | (vm::addr::PAGES_PER_2M - 1)) + 1);
        end.min(mapping.range.end) - page
    } else {
        1
    };
    match entry.state() {
        State::Present(frame) | State::Parked(frame) => {
            let mappers = mappers(frame, entry.is_of_object());
            pages.resident += n;
            pages.proportional += n * PAGE_SIZE as u64 / mappers;
            if mappers > 1 {
                pages.shared += n;
            }
            if entry.is_large() {
                pages.large += n;
            }
            if mapping.is_private() && !entry.is_of_object() {
                pages.anonymous += n;
            }
            if entry.is_dirty() {
                pages.dirty += n;
            }
            if entry.is_accessed() {
                pages.referenced += n;
            }
        }
        State::Swap(_) => pages.swapped += n,
        _ => {}
    }
}

/// How often a frame is mapped. The object whose page it is has a reference of its own; of frames that another torus lends only that one knows.
fn mappers(frame: Frame, is_of_object: bool) -> u64 {
    let shares = tori::here().memory().frames().shares(frame);
    u64::from(shares).saturating_sub(is_of_object.into()).max(1)
}

/// `/proc/PID/pagemap`, from a page on: whether each is present (bit 63), in swap (62), and of a file or shared (61). Frames have no
/// numbers that programs could use.
pub fn page_map(space: &Space, first: u64, to: &mut [u64]) {
    to.fill(0);
    let memory = tori::here().memory();
    let user = PageRange::new(Page(0), Page::containing(USER_END));
    let wanted = PageRange::new(Page(first), Page(first + to.len() as u64)).intersect(user);
    space.look(|space| {
        space.visit(memory, wanted, |page, entry| {
            let bits = match entry.state() {
                State::Present(_) | State::Parked(_) => {
                    1 << 63 | u64::from(entry.is_of_object()) << 61
                }
                State::Swap(_) => 1 << 62,
                _ => return,
            };
            let mut pages = PageRange::new(page, Page(page.0 + 1));
            if entry.is_large() {
                let start = page.0 & !(vm::addr::PAGES_PER_2M - 1);
                pages = PageRange::new(Page(start), Page(start + vm::addr::PAGES_PER_2M))
                    .intersect(wanted);
            }
            for page in pages.start.0..pages.end.0 {
                if let Some(word) = to.get_mut((page - first) as usize) {
                    *word = bits;
                }
            }
        });
    });
}

/// `/proc/PID/maps`.
pub(super) fn maps(process: &Process, text: &mut Text) {
    let heap = heap(process);
    each(process, |mapping, _| line(mapping, heap, text));
}

/// Where the heap begins and ends.
fn heap(process: &Process) -> (u64, u64) {
    let heap = process
        .space()
        .map(|space| space.look(|space| space.heap()));
    heap.map_or((0, 0), |(start, end)| (start.0, end.0))
}

/// A line of `/proc/PID/maps`: range, rights, offset, device, inode and name.
fn line(mapping: &Mapping<ObjectRef>, heap: (u64, u64), text: &mut Text) {
    let right = |right, letter| {
        if mapping.rights.contains(right) {
            letter
        } else {
            '-'
        }
    };
    let (offset, inode) = match &mapping.backing {
        Backing::Object { offset, object, .. } => (offset * 4096, object.owner().0),
        Backing::Zero => (0, 0),
    };
    let (begin, end) = (mapping.range.start.start().0, mapping.range.end.start().0);
    let start = text.len();
    text.put(format_args!(
        "{begin:08x}-{end:08x} {}{}{}{} {offset:08x} 00:0{} {inode}",
        right(Rights::READ, 'r'),
        right(Rights::WRITE, 'w'),
        right(Rights::EXECUTE, 'x'),
        if mapping.is_private() { 'p' } else { 's' },
        u8::from(inode != 0),
    ));
    let is_zero = matches!(mapping.backing, Backing::Zero);
    let is_heap = mapping.flags.contains(Flags::HEAP) || is_zero && begin < heap.1 && end > heap.0;
    let shown = match &mapping.backing {
        Backing::Object { object, .. } => object.0.name(),
        Backing::Zero => None,
    };
    let name: &[u8] = match &shown {
        _ if mapping.flags.contains(Flags::GROWS_DOWN) => b"[stack]",
        _ if is_heap => b"[heap]",
        Some(name) => name,
        None => b"",
    };
    if !name.is_empty() {
        text.column(start, 73);
        text.bytes(name);
    }
    text.bytes(b"\n");
}

/// `/proc/PID/smaps`.
pub(super) fn smaps(process: &Process, text: &mut Text) {
    let heap = heap(process);
    each(process, |mapping, pages| {
        line(mapping, heap, text);
        let size = mapping.range.len() * 4;
        text.put(format_args!("Size:           {size:8} kB\nKernelPageSize:        4 kB\nMMUPageSize:           4 kB\n"));
        let locked = mapping.flags.contains(Flags::LOCKED);
        details(&pages(), locked, text);
        text.bytes(b"THPeligible:           0\nVmFlags:");
        let flags = [
            (mapping.rights.contains(Rights::READ), "rd"),
            (mapping.rights.contains(Rights::WRITE), "wr"),
            (mapping.rights.contains(Rights::EXECUTE), "ex"),
            (!mapping.is_private(), "sh"),
            (mapping.maximum.contains(Rights::READ), "mr"),
            (mapping.maximum.contains(Rights::WRITE), "mw"),
            (mapping.maximum.contains(Rights::EXECUTE), "me"),
            (mapping.flags.contains(Flags::GROWS_DOWN), "gd"),
            (locked, "lo"),
            (mapping.flags.contains(Flags::DONT_FORK), "dc"),
            (mapping.flags.contains(Flags::WIPE_ON_FORK), "wf"),
            (mapping.flags.contains(Flags::HUGE), "hg"),
        ];
        for (_, flag) in flags.iter().filter(|(set, _)| *set) {
            text.put(format_args!(" {flag}"));
        }
        text.bytes(b" \n");
    });
}

/// `/proc/PID/smaps_rollup`.
pub(super) fn rollup(process: &Process, text: &mut Text) {
    let mut range = (0, 0);
    let (mut sum, mut locked) = (Pages::default(), 0);
    each(process, |mapping, pages| {
        let (start, end) = (mapping.range.start.start().0, mapping.range.end.start().0);
        range = (if range.1 == 0 { start } else { range.0 }, end);
        let pages = pages();
        if mapping.flags.contains(Flags::LOCKED) {
            locked += pages.resident;
        }
        sum.add(pages);
    });
    let start = text.len();
    text.put(format_args!(
        "{:08x}-{:08x} ---p 00000000 00:00 0",
        range.0, range.1
    ));
    text.column(start, 73);
    text.bytes(b"[rollup]\n");
    details(&sum, locked > 0, text);
}

fn details(pages: &Pages, locked: bool, text: &mut Text) {
    let private = pages.resident - pages.shared;
    let dirty = pages.dirty.min(pages.resident);
    let (shared_dirty, private_dirty) = (dirty.min(pages.shared), dirty - dirty.min(pages.shared));
    let proportional = pages.proportional / 1024;
    let kib = |pages: u64| pages * 4;
    for (name, value) in [
        ("Rss", kib(pages.resident)),
        ("Pss", proportional),
        ("Pss_Dirty", kib(dirty).min(proportional)),
        ("Shared_Clean", kib(pages.shared - shared_dirty)),
        ("Shared_Dirty", kib(shared_dirty)),
        ("Private_Clean", kib(private.saturating_sub(private_dirty))),
        ("Private_Dirty", kib(private_dirty)),
        ("Referenced", kib(pages.referenced)),
        ("Anonymous", kib(pages.anonymous)),
        ("KSM", 0),
        ("LazyFree", 0),
        ("AnonHugePages", kib(pages.large)),
        ("ShmemPmdMapped", 0),
        ("FilePmdMapped", 0),
        ("Shared_Hugetlb", 0),
        ("Private_Hugetlb", 0),
        ("Swap", kib(pages.swapped)),
        ("SwapPss", kib(pages.swapped)),
        ("Locked", kib(if locked { pages.resident } else { 0 })),
    ] {
        let start = text.len();
        text.put(format_args!("{name}:"));
        text.column(start, 16);
        text.put(format_args!("{value:8} kB\n"));
    }
}
