//! What a trap may be.

/// A processor exception in a program (SDM vol. 3A, chapter 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exception {
    /// 0 to 31.
    pub vector: u8,
    /// The error code; 0 where the exception has none. For a page fault see [`PageFaultErrorCode`](crate::PageFaultErrorCode).
    pub code: u64,
    /// For a page fault the address (CR2), else 0.
    pub address: usize,
}

/// A device interrupt, already acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupt {
    /// The one-shot timer of this core.
    Timer,
    /// Another core asks this one to look at its queues.
    Reschedule,
    /// The program console has input.
    ConsoleInput,
    /// The torus's swap disk has answered.
    Disk,
    /// Any other vector.
    Other(u8),
}
