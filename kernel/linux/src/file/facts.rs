//! What files need of the machine, in one place.

use braid_files::stat::Time;
use machine::time;
use mem::OfTorus as _;
use torus::TorusId;

pub use braid_time::Nanos;

/// The home of `/tmp` and of the console.
pub const MAIN: TorusId = TorusId::ZERO;

/// Whether this torus is the home of `/tmp` and of the console.
pub fn is_main() -> bool {
    tori::here().id == MAIN
}

/// The torus that runs this.
pub fn torus_index() -> usize {
    tori::here().id.index()
}

/// Frames of this torus that can be had now.
pub fn available_frames() -> u64 {
    tori::here().available()
}

/// Frames of this torus, and those of them that the kernel's heap has.
pub fn frames_and_heap() -> (u64, u64) {
    let torus = tori::here();
    (torus.usable(), torus.heap.frames())
}

/// Pages that can still be written to swap, and those that it has in all.
pub fn slots() -> (u64, u64) {
    let swap = tori::here().kept().swap();
    swap.map_or((0, 0), |swap| {
        let available = swap.slots().available();
        (available, available + swap.slots().used())
    })
}

/// Time since boot.
pub fn now() -> Nanos {
    time::now()
}

/// Time of day.
pub fn wall() -> Time {
    let now = time::wall();
    Time {
        seconds: now.as_secs(),
        nanos: now.subsec_nanos() as u32,
    }
}
