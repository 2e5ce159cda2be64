//! Seals of files in memory (fcntl(2), "File Sealing"): what is never done to a file again.

use bitflags::bitflags;

bitflags! {
    /// Seals, by their numbers in fcntl(2).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Seals: u32 {
        /// No more seals.
        const SEAL = 1;
        const SHRINK = 2;
        const GROW = 4;
        const WRITE = 8;
        /// No writes but through mappings that there are.
        const FUTURE_WRITE = 0x10;
    }
}
