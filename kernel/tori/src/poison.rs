//! Poison: what a build that checks itself (feature `checked`) fills free frames with; in other builds all of it is nothing.
//!
//! A frame that goes to the pool is filled with a pattern, and is looked at when it is taken out: whoever wrote in between had
//! no right to. A page that is copied from another torus's frame and holds nothing but the pattern was copied too late.
//!
//! *Reservations.* The heap does not grow by more frames for a core than it has reserved: nobody else's would be left then.

#[cfg(feature = "checked")]
pub(crate) use on::{allocated, freed, grew, released, reserved};
#[cfg(feature = "checked")]
pub use on::{copied, is_audit_due};

#[cfg(not(feature = "checked"))]
pub use off::copied;
#[cfg(not(feature = "checked"))]
pub(crate) use off::{allocated, freed, grew, released, reserved};

#[cfg(not(feature = "checked"))]
mod off {
    use crate::Torus;
    use vm::addr::Frame;

    #[inline]
    pub(crate) const fn freed(_: &Torus, _: Frame) {}

    #[inline]
    pub(crate) const fn allocated(_: &Torus, frame: Option<Frame>) -> Option<Frame> {
        frame
    }

    /// A page of another torus has been copied to a frame of this one.
    #[inline]
    pub const fn copied(_: Frame) {}

    #[inline]
    pub(crate) const fn reserved() {}

    #[inline]
    pub(crate) const fn grew() {}

    #[inline]
    pub(crate) const fn released(_: u64) {}
}

#[cfg(feature = "checked")]
mod on {
    use crate::{Torus, above};
    use core::sync::atomic::{AtomicU64, Ordering};
    use machine::{MAX_CORES, cpu, paging};
    use vm::addr::{Frame, PAGE_SIZE};
    use vm::table::TableMemory;

    /// What a free frame holds: no address, no small number, and odd.
    const POISON: u64 = 0xdead_f4ee_dead_f4ef;
    const WORDS: usize = PAGE_SIZE / 8;
    /// Frames that are freed between two audits.
    const PERIOD: u64 = 1024;

    static FREED: AtomicU64 = AtomicU64::new(0);
    /// By core: frames that the heap has grown by under its reservation.
    static GROWN: [AtomicU64; MAX_CORES] = [const { AtomicU64::new(0) }; MAX_CORES];

    /// A frame goes to the pool.
    pub(crate) fn freed(torus: &Torus, frame: Frame) {
        let words = paging::phys_to_virt(frame.start()).cast::<u64>();
        for at in 0..WORDS {
            // SAFETY: K13, nothing refers to the frame any more.
            unsafe { words.add(at).write_volatile(POISON) }
        }
        torus.memory().frames().set_poisoned(frame, true);
        FREED.fetch_add(1, Ordering::Relaxed);
    }

    /// A frame was taken out of the pool.
    ///
    /// # Panics
    /// Somebody has written to it meanwhile.
    pub(crate) fn allocated(torus: &Torus, frame: Option<Frame>) -> Option<Frame> {
        let taken = frame?;
        if torus.memory().frames().set_poisoned(taken, false) {
            let mut differ = (0..WORDS).filter(|at| word(taken, *at) != POISON);
            if let Some(first) = differ.next() {
                let others = differ.clone().count();
                let last = differ.next_back().unwrap_or(first);
                above::tori_find(torus, taken);
                panic!(
                    "checked: {taken:?} was written to while it was free: {} words, first {first} = {:#x}, last {last} = {:#x}",
                    others + 1,
                    word(taken, first),
                    word(taken, last)
                );
            }
        }
        frame
    }

    fn word(frame: Frame, at: usize) -> u64 {
        let words = paging::phys_to_virt(frame.start()).cast::<u64>();
        // SAFETY: K13, the frame is this torus's, and the word lies within it.
        unsafe { words.add(at).read_volatile() }
    }

    /// A page of another torus has been copied to a frame of this one.
    ///
    /// # Panics
    /// It was free when it was copied.
    pub fn copied(frame: Frame) {
        if (0..WORDS).all(|at| word(frame, at) == POISON) {
            panic!("checked: a page was copied from a frame that was free");
        }
    }

    fn grown() -> &'static AtomicU64 {
        &GROWN[cpu::this().index.index()]
    }

    /// This core holds a reservation from now on.
    pub(crate) fn reserved() {
        grown().store(0, Ordering::Relaxed);
    }

    /// The heap has grown by a frame for this core, which holds a reservation.
    pub(crate) fn grew() {
        grown().fetch_add(1, Ordering::Relaxed);
    }

    /// This core's reservation of so many frames is over.
    ///
    /// # Panics
    /// They were too few.
    pub(crate) fn released(frames: u64) {
        let grown = grown().load(Ordering::Relaxed);
        assert!(
            grown <= frames,
            "checked: the heap has grown by {grown} frames under a reservation of {frames}"
        );
    }

    /// Whether so many frames have been freed since the last audit that it is time for another.
    pub fn is_audit_due() -> bool {
        let freed = FREED.load(Ordering::Relaxed);
        freed >= PERIOD
            && FREED
                .compare_exchange(freed, 0, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }
}
