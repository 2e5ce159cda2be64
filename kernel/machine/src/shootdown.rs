//! TLB shootdown: making other cores forget translations.
//!
//! Each core owns one request. To ask, it writes the request, sets its bit in the mailbox of each core that has
//! to forget, interrupts those cores, and waits until all have answered, serving its own mailbox meanwhile. Only
//! cores of one torus ever ask each other (K8).

use super::cpu;
use super::index::CoreIndex;
use super::ipi::{self, Ipi};
use super::mailbox::WORDS;
use super::paging;
use core::sync::atomic::{AtomicU64, Ordering};
use vm::addr::{Page, PageRange};
use vm::flush::Flush;

/// A set of cores of the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CoreSet([u64; WORDS]);

impl CoreSet {
    /// No core.
    pub const fn empty() -> Self {
        Self([0; WORDS])
    }

    /// Adds a core.
    pub fn insert(&mut self, core: CoreIndex) {
        self.0[core.index() / 64] |= 1 << (core.index() % 64);
    }

    /// Takes a core out.
    pub fn remove(&mut self, core: CoreIndex) {
        self.0[core.index() / 64] &= !(1 << (core.index() % 64));
    }

    /// Whether a core is in it.
    pub fn contains(&self, core: CoreIndex) -> bool {
        self.0[core.index() / 64] >> (core.index() % 64) & 1 != 0
    }

    /// Its cores in order.
    pub fn iter(&self) -> impl Iterator<Item = CoreIndex> + use<> {
        let words = self.0;
        (0..WORDS).flat_map(move |index| {
            let mut word = words[index];
            core::iter::from_fn(move || {
                (word != 0).then(|| {
                    let bit = word.trailing_zeros() as usize;
                    word &= word - 1;
                    CoreIndex((index * 64 + bit) as u16)
                })
            })
        })
    }
}

/// As a count of pages: the whole address space.
const SPACE: u64 = 0;
/// As a count of pages: the kernel's half too.
const KERNEL: u64 = u64::MAX;

/// Makes `cores` forget the kernel's translations too. All of them run.
pub fn flush_kernel(cores: CoreSet) {
    ask(0, KERNEL, cores);
}

/// Makes `cores` forget: each drops the translations of the address space that it has loaded. Returns when all have.
/// Cores that load the space later read the new tables.
pub fn flush(what: Flush, cores: CoreSet) {
    let (first, pages) = match what {
        Flush::None => return,
        Flush::Pages(range) => (range.start.0, range.len()),
        Flush::All => (0, SPACE),
    };
    ask(first, pages, cores);
}

#[inline]
fn ask(first: u64, pages: u64, cores: CoreSet) {
    let own = cpu::this();
    let mut others = cores;
    others.remove(own.index);
    let targets = || others.iter().filter_map(cpu::get);
    let count = targets().count() as u32;
    if count > 0 {
        let request = &own.mailbox;
        request.first.store(first, Ordering::Relaxed);
        request.pages.store(pages, Ordering::Relaxed);
        request.waiting.store(count, Ordering::Release);
        let (word, bit) = (own.index.index() / 64, own.index.index() % 64);
        for target in targets() {
            target.mailbox.from[word].fetch_or(1 << bit, Ordering::Release);
            ipi::send(target.index, Ipi::Flush);
        }
    }
    if cores.contains(own.index) {
        perform(first, pages);
    }
    while own.mailbox.waiting.load(Ordering::Acquire) != 0 {
        core::hint::spin_loop();
        serve();
    }
}

/// Does what other cores have asked of this one.
#[inline]
pub fn serve() {
    let own = cpu::this();
    for (index, word) in own.mailbox.from.iter().enumerate() {
        if word.load(Ordering::Relaxed) != 0 {
            serve_word(index, word);
        }
    }
}

/// What a core does while it spins for a lock.
#[cold]
#[inline(never)]
// SAFETY: K39, of the type that `sync` declares.
#[unsafe(no_mangle)]
fn sync_relax() {
    serve();
}

#[cold]
fn serve_word(index: usize, word: &AtomicU64) {
    let mut asking = word.swap(0, Ordering::Acquire);
    while asking != 0 {
        let core = CoreIndex((index * 64) as u16 + asking.trailing_zeros() as u16);
        asking &= asking - 1;
        let Some(cpu) = cpu::get(core) else { continue };
        let request = &cpu.mailbox;
        perform(
            request.first.load(Ordering::Relaxed),
            request.pages.load(Ordering::Relaxed),
        );
        request.waiting.fetch_sub(1, Ordering::Release);
    }
}

fn perform(first: u64, pages: u64) {
    match pages {
        SPACE => paging::flush_all(),
        KERNEL => paging::flush_everything(),
        pages => paging::flush_pages(PageRange::new(Page(first), Page(first + pages))),
    }
}
