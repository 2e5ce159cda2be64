//! What the plug-in has counted, as lines of JSON.

use std::io::{self, Write};

use serde::Serialize;

use crate::lines::Transfer;

/// One line of the report.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Record {
    /// What one processor did in one region.
    Count {
        region: u8,
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
    /// Instructions of one translation block of the kernel in one region.
    Block {
        region: u8,
        pc: u64,
        instructions: u64,
    },
    /// How often a line went from one processor to another in one way.
    Transfer {
        #[serde(flatten)]
        way: Transfer,
        count: u64,
    },
}

/// Writes one record a line.
pub(crate) fn write(
    mut out: impl Write,
    records: impl IntoIterator<Item = Record>,
) -> io::Result<()> {
    for record in records {
        serde_json::to_writer(&mut out, &record)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::{Record, write};
    use crate::lines::Transfer;

    #[test]
    fn a_record_is_one_line_that_names_its_kind() {
        let way = Transfer {
            region: 2,
            across: true,
            line: 64,
            writer_pc: 1,
            toucher_pc: 0,
            write: true,
        };
        let records = [
            Record::Count {
                region: 2,
                cpu: 1,
                operations: 4,
                kernel: 5,
                user: 6,
                ipis: 0,
                tlb_flushes: 1,
            },
            Record::Block {
                region: 2,
                pc: 16,
                instructions: 7,
            },
            Record::Transfer { way, count: 9 },
        ];
        let mut out = Vec::new();
        write(&mut out, records).unwrap();
        let lines = [
            r#"{"kind":"count","region":2,"cpu":1,"operations":4,"kernel":5,"user":6,"ipis":0,"tlb_flushes":1}"#,
            r#"{"kind":"block","region":2,"pc":16,"instructions":7}"#,
            r#"{"kind":"transfer","region":2,"across":true,"line":64,"writer_pc":1,"toucher_pc":0,"write":true,"count":9}"#,
        ];
        assert_eq!(
            String::from_utf8(out).unwrap(),
            lines.map(|line| format!("{line}\n")).concat()
        );
    }
}
