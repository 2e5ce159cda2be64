//! What the plug-in has counted, read back and summed up by region.

use std::collections::BTreeMap;

use serde::Deserialize;

/// One line of the plug-in's report (`image/plugin/README.md`).
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line {
    Count {
        region: u8,
        operations: u64,
        kernel: u64,
        user: u64,
        ipis: u64,
        tlb_flushes: u64,
    },
    Block {
        region: u8,
        pc: u64,
        instructions: u64,
    },
    Transfer {
        region: u8,
        across: bool,
        line: u64,
        writer_pc: u64,
        toucher_pc: u64,
        count: u64,
    },
}

/// Lines that went from one processor to another in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Between processors of different tori.
    pub across: bool,
    /// The line's physical address, where it went across tori.
    pub line: u64,
    /// The instruction that had written it; 0 in user mode.
    pub writer: u64,
    /// The instruction that touched it; 0 in user mode.
    pub toucher: u64,
    /// How often.
    pub count: u64,
}

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
    /// Cache lines.
    pub transfers: Vec<Transfer>,
}

/// Reads a report.
///
/// # Errors
/// A line is not what the plug-in writes.
pub fn read(text: &str) -> Result<BTreeMap<u8, Region>, serde_json::Error> {
    let mut regions: BTreeMap<u8, Region> = BTreeMap::new();
    for line in text.lines() {
        match serde_json::from_str(line)? {
            Line::Count {
                region,
                operations,
                kernel,
                user,
                ipis,
                tlb_flushes,
            } => {
                let sum = regions.entry(region).or_default();
                sum.operations += operations;
                sum.kernel += kernel;
                sum.user += user;
                sum.ipis += ipis;
                sum.tlb_flushes += tlb_flushes;
            }
            Line::Block {
                region,
                pc,
                instructions,
            } => {
                let blocks = &mut regions.entry(region).or_default().blocks;
                blocks.push((pc, instructions));
            }
            Line::Transfer {
                region,
                across,
                line,
                writer_pc,
                toucher_pc,
                count,
            } => {
                let transfers = &mut regions.entry(region).or_default().transfers;
                transfers.push(Transfer {
                    across,
                    line,
                    writer: writer_pc,
                    toucher: toucher_pc,
                    count,
                });
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
        assert_eq!(regions[&3].transfers[0].count, 9);
        assert!(read("{\"kind\":\"other\"}").is_err());
        assert!(read("").unwrap().is_empty());
    }
}
