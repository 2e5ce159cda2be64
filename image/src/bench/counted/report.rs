//! What the plug-in has counted, read back and summed up by region.

use std::collections::BTreeMap;

use braid_bench::counted::{Counted, Stretch, Transfer};

/// The number of no region: what happened outside of all.
pub const OUTSIDE: u8 = u8::MAX;

/// What happened in a region, on all processors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Region {
    /// Operations that the program marked.
    pub operations: u64,
    /// Instructions in the kernel.
    pub kernel: u64,
    /// Instructions in programs.
    pub user: u64,
    /// Interrupts sent to processors.
    pub ipis: u64,
    /// Flushes of TLBs: `invlpg`, or a write of CR3.
    pub tlb_flushes: u64,
    /// The kernel's instructions by the block of code that begins there.
    pub blocks: Vec<(u64, u64)>,
    /// Ways of cache lines from one processor to another, and how often.
    pub transfers: Vec<(Transfer, u64)>,
    /// Long stretches with interrupts off.
    pub stretches: Vec<Stretch>,
}

/// The lines of a report.
///
/// # Errors
/// A line is not what the plug-in writes.
pub fn lines(text: &str) -> Result<Vec<Counted>, serde_json::Error> {
    text.lines().map(serde_json::from_str).collect()
}

/// Sums a report up.
///
/// # Errors
/// A line is not what the plug-in writes.
pub fn read(text: &str) -> Result<BTreeMap<u8, Region>, serde_json::Error> {
    let mut regions: BTreeMap<u8, Region> = BTreeMap::new();
    for line in lines(text)? {
        match line {
            Counted::Count {
                region,
                operations,
                kernel,
                user,
                ipis,
                tlb_flushes,
                ..
            } => {
                let sum = regions.entry(region).or_default();
                sum.operations += operations;
                sum.kernel += kernel;
                sum.user += user;
                sum.ipis += ipis;
                sum.tlb_flushes += tlb_flushes;
            }
            Counted::Block {
                region,
                pc,
                instructions,
            } => {
                let blocks = &mut regions.entry(region).or_default().blocks;
                blocks.push((pc, instructions));
            }
            Counted::Transfer { way, count } => {
                let transfers = &mut regions.entry(way.region).or_default().transfers;
                transfers.push((way, count));
            }
            Counted::Stretch(stretch) => {
                let region = stretch.region.unwrap_or(OUTSIDE);
                let stretches = &mut regions.entry(region).or_default().stretches;
                stretches.push(stretch);
            }
        }
    }
    Ok(regions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_summed_up() {
        let text = concat!(
            r#"{"kind":"count","region":2,"cpu":0,"operations":1,"kernel":5,"user":6,"ipis":0,"tlb_flushes":1}"#,
            "\n",
            r#"{"kind":"count","region":2,"cpu":1,"operations":2,"kernel":5,"user":6,"ipis":3,"tlb_flushes":1}"#,
            "\n",
            r#"{"kind":"block","region":2,"pc":16,"instructions":7}"#,
            "\n",
            r#"{"kind":"transfer","region":3,"across":true,"line":64,"writer_pc":1,"toucher_pc":0,"write":true,"count":9}"#,
            "\n",
        );
        let regions = read(text).unwrap();
        let region = &regions[&2];
        assert_eq!((region.operations, region.kernel, region.ipis), (3, 10, 3));
        assert_eq!(region.blocks, [(16, 7)]);
        assert_eq!(regions[&3].transfers[0].1, 9);
        assert!(read("{\"kind\":\"other\"}").is_err());
        assert!(read("").unwrap().is_empty());
    }
}
