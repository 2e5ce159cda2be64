//! Who asks for room on a machine of pages that are touched, locked, or on their way to a disk that takes its time.

use super::*;
use crate::addr::Frame;
use crate::frames::{FrameMeta, Owner, Use};
use alloc::vec;
use alloc::vec::Vec;
use proptest::prelude::*;

/// Frames that one sweep looks at: as in the kernel, a part of all.
const PARTS: u64 = 8;
const BATCH: u64 = 4;
/// Requests that the disk takes.
const REQUESTS: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    /// The pool's, or the kernel's.
    None,
    /// Locked: it never goes.
    Locked,
    /// It can be made again.
    Clean,
    /// It has to be written.
    Dirty,
    /// On its way to the disk.
    Leaving,
}

struct Machine<'a> {
    frames: FrameTable<'a>,
    clock: Clock,
    pages: Vec<Page>,
    touched: Vec<bool>,
    has_disk: bool,
    disk: Vec<Frame>,
    sweeps: u64,
}

impl<'a> Machine<'a> {
    fn new(metas: &'a [FrameMeta], pages: Vec<Page>, has_disk: bool) -> Self {
        let frames = FrameTable::new(Frame(0), metas);
        for (page, frame) in pages.iter().zip((0..).map(Frame)) {
            let used = match page {
                Page::None => continue,
                Page::Clean => Use::Cached,
                _ => Use::Private,
            };
            frames.claim(frame, used);
            frames.assign(frame, used, Owner(7), frame.0);
        }
        Self {
            frames,
            clock: Clock::new(),
            touched: vec![true; pages.len()],
            pages,
            has_disk,
            disk: Vec::new(),
            sweeps: 0,
        }
    }

    fn total(&self) -> u64 {
        self.pages.len() as u64
    }

    /// Whether a page could go if nobody touched it.
    fn may_go(&self) -> bool {
        self.pages.contains(&Page::Clean) || self.has_disk && self.pages.contains(&Page::Dirty)
    }

    fn free(&mut self, frame: Frame) {
        assert!(self.frames.release(frame));
        self.frames.retire(frame).unwrap();
        self.pages[frame.0 as usize] = Page::None;
    }

    fn sweep(&mut self) -> Progress {
        self.sweeps += 1;
        let look = (self.total() / PARTS).max(1);
        let mut clock = core::mem::take(&mut self.clock);
        let mut gone = Vec::new();
        let (pages, touched) = (&mut self.pages, &mut self.touched);
        let (disk, has_disk) = (&mut self.disk, self.has_disk);
        let evict = |candidate: &Candidate| {
            let at = candidate.frame.0 as usize;
            if core::mem::take(&mut touched[at]) {
                return Step::Kept;
            }
            match pages[at] {
                Page::Clean => {
                    gone.push(candidate.frame);
                    pages[at] = Page::None;
                    Step::Dropped
                }
                Page::Dirty if has_disk && disk.len() == REQUESTS => Step::Busy,
                Page::Dirty if has_disk => {
                    disk.push(candidate.frame);
                    pages[at] = Page::Leaving;
                    Step::Leaving
                }
                _ => Step::Kept,
            }
        };
        let progress = sweep(&mut clock, &self.frames, (BATCH, look), || false, evict);
        self.clock = clock;
        assert_eq!(progress.dropped, gone.len() as u64);
        assert!(progress.seen <= look && progress.dropped + progress.leaving <= BATCH);
        gone.into_iter().for_each(|frame| self.free(frame));
        progress
    }

    /// As who asks does it, until there is a frame: whether one came. Between two tries others have a turn.
    fn ask(&mut self, mut turn: impl FnMut(&mut Self)) -> bool {
        let mut vain = 0;
        loop {
            let progress = self.sweep();
            match judge(progress, !self.disk.is_empty(), vain, self.total()) {
                Outcome::Made => return true,
                Outcome::Wait => {
                    // What is waited for comes.
                    let frame = self.disk.pop().expect("a page on its way");
                    self.free(frame);
                    return true;
                }
                Outcome::Again(more) => {
                    assert!(more > vain);
                    vain = more;
                    turn(self);
                }
                Outcome::Nothing => return false,
            }
        }
    }
}

fn page() -> impl Strategy<Value = Page> {
    prop_oneof![
        2 => Just(Page::None),
        6 => Just(Page::Locked),
        1 => Just(Page::Clean),
        1 => Just(Page::Dirty),
    ]
}

fn pages() -> impl Strategy<Value = Vec<Page>> {
    let mixed = prop::collection::vec(page(), 1..400);
    let scarce = (1..400usize, page()).prop_map(|(len, last)| {
        let mut pages = vec![Page::Locked; len];
        pages[len - 1] = last;
        pages
    });
    prop_oneof![mixed, scarce]
}

proptest! {
    #[test]
    fn who_asks_gets_all_that_can_go_and_is_told_when_nothing_can(pages in pages(), has_disk: bool) {
        let metas: Vec<FrameMeta> = pages.iter().map(|_| FrameMeta::default()).collect();
        let mut machine = Machine::new(&metas, pages, has_disk);
        // One round takes the marks of use, the next one finds the page.
        let rounds = |machine: &Machine, rounds| rounds * machine.total().div_ceil((machine.total() / PARTS).max(1)) + 1;
        while machine.may_go() {
            machine.sweeps = 0;
            prop_assert!(machine.ask(|_| ()));
            prop_assert!(machine.sweeps <= rounds(&machine, 2), "{} sweeps", machine.sweeps);
        }
        while let Some(frame) = machine.disk.pop() {
            machine.free(frame);
        }
        machine.sweeps = 0;
        prop_assert!(!machine.ask(|_| ()));
        prop_assert!(machine.sweeps <= rounds(&machine, ROUNDS), "{} sweeps", machine.sweeps);
    }

    #[test]
    fn who_asks_is_not_kept_by_those_who_touch_all_pages(pages in pages()) {
        let metas: Vec<FrameMeta> = pages.iter().map(|_| FrameMeta::default()).collect();
        let mut machine = Machine::new(&metas, pages, true);
        machine.ask(|machine| machine.touched.fill(true));
        let most = ROUNDS * machine.total().div_ceil((machine.total() / PARTS).max(1)) + 1;
        prop_assert!(machine.sweeps <= most, "{} sweeps", machine.sweeps);
    }

    #[test]
    fn what_is_missing_brings_twice_what_is_low(coming in 0..10_000u64, low in 0..5_000u64) {
        let missing = missing(coming, low);
        prop_assert_eq!(missing > 0, coming < low);
        prop_assert!(missing == 0 || coming + missing == 2 * low);
    }
}

#[test]
fn a_sweep_ends_when_the_core_is_wanted_but_looks_at_something_first() {
    let metas: Vec<FrameMeta> = (0..1000).map(|_| FrameMeta::default()).collect();
    let mut machine = Machine::new(&metas, vec![Page::Locked; 1000], false);
    let mut clock = Clock::new();
    let (frames, evict) = (&machine.frames, |_: &Candidate| Step::Kept);
    let progress = sweep(&mut clock, frames, (1, 1000), || true, evict);
    assert!((1..=PIECE).contains(&progress.seen));
    machine.clock = clock;
    assert!(!machine.ask(|_| ()));
}
