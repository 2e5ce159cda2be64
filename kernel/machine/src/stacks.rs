//! Kernel stacks: one per core for all kernel code, and one each for what may interrupt the kernel itself.

/// Tops of the stacks of a core. Below each lies an unmapped guard page (K7).
#[derive(Clone, Copy, Debug, Default)]
pub struct CoreStacks {
    /// Everything but the following.
    pub main: u64,
    /// Double faults: among them an overflow of the main stack.
    pub double_fault: u64,
    /// Non-maskable interrupts.
    pub nmi: u64,
    /// Machine checks.
    pub machine_check: u64,
}

/// Virtual memory that each core's stacks and guard pages take.
pub const STRIDE: u64 = 128 * 1024;

/// Pages of the main stack: what takes a process in that has moved builds it there, below the delivery of messages.
const MAIN_PAGES: u64 = 16;
/// Pages of each of the other three.
const SMALL_PAGES: u64 = 2;

impl CoreStacks {
    /// The page ranges to be mapped for the stacks in the slot at `base`: (first address, pages).
    pub fn ranges(base: u64) -> [(u64, u64); 4] {
        let page = 4096;
        let main = base + page;
        let small = main + (MAIN_PAGES + 1) * page;
        let next = (SMALL_PAGES + 1) * page;
        [
            (main, MAIN_PAGES),
            (small, SMALL_PAGES),
            (small + next, SMALL_PAGES),
            (small + 2 * next, SMALL_PAGES),
        ]
    }

    /// The stacks of the slot at `base`.
    pub fn at(base: u64) -> Self {
        let top = |(start, pages): (u64, u64)| start + pages * 4096;
        let [main, double_fault, nmi, machine_check] = Self::ranges(base).map(top);
        Self {
            main,
            double_fault,
            nmi,
            machine_check,
        }
    }

    /// Four stacks one above the other in plain memory, without guards: for the first moments of a core.
    pub fn stacked(base: u64, size: u64) -> Self {
        let small = SMALL_PAGES * 4096;
        Self {
            main: base + size - 3 * small,
            double_fault: base + size - 2 * small,
            nmi: base + size - small,
            machine_check: base + size,
        }
    }
}
