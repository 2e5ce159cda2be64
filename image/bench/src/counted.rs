//! What the plug-in has counted: its report has one [`Counted`] a line, as JSON.

use serde::{Deserialize, Serialize};

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Counted {
    /// What one processor did in one region.
    Count {
        /// The number of the region, as the program that marks it chose it.
        region: u8,
        /// The processor.
        cpu: usize,
        /// Operations that the program has marked.
        operations: u64,
        /// Instructions in kernel mode, to the nearest translation block.
        kernel: u64,
        /// Instructions in user mode, to the nearest translation block.
        user: u64,
        /// Interrupts sent to other processors (writes to the local APIC's command register).
        ipis: u64,
        /// `invlpg` and writes of CR3.
        tlb_flushes: u64,
    },
    /// What was executed of one translation block of the kernel in one region.
    Block {
        /// The region.
        region: u8,
        /// The address of the block's first instruction.
        pc: u64,
        /// Instructions.
        instructions: u64,
    },
    /// How often a line went from one processor to another in one way.
    Transfer {
        /// The way.
        #[serde(flatten)]
        way: Transfer,
        /// How often.
        count: u64,
    },
    /// The longest of the stretches with interrupts off that spent most of their instructions at one place.
    Stretch(Stretch),
}

/// What a processor executed in the kernel without letting interrupts in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// The region in which it ended; none outside of regions.
    pub region: Option<u8>,
    /// Its instructions, without those of loops that wait for other processors.
    pub instructions: u64,
    /// How many stretches worth telling had most of their instructions there.
    pub times: u64,
    /// The first blocks that were executed, by address: how the kernel was entered and what for.
    pub path: Vec<u64>,
    /// Blocks that were executed at regular intervals, by address, and how often they were found.
    pub samples: Vec<(u64, u64)>,
}

/// A way in which cache lines went from one processor to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Transfer {
    /// The region in which they went.
    pub region: u8,
    /// Whether writer and toucher belong to different tori.
    pub across: bool,
    /// The line's address in the machine's memory, in bytes, when it went across tori; else 0, for all of them.
    pub line: u64,
    /// The instruction that had written it; 0 for all of user mode.
    pub writer_pc: u64,
    /// The instruction that touched it; 0 for all of user mode.
    pub toucher_pc: u64,
    /// Whether the touch was a write.
    pub write: bool,
}
