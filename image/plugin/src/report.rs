//! Writing what was counted.

use std::io::{self, Write};

use braid_bench::counted::Counted;

/// Writes one record a line.
pub(crate) fn write(
    mut out: impl Write,
    records: impl IntoIterator<Item = Counted>,
) -> io::Result<()> {
    for record in records {
        serde_json::to_writer(&mut out, &record)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::write;
    use braid_bench::counted::{Counted, Transfer};

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
            Counted::Count {
                region: 2,
                cpu: 1,
                operations: 4,
                kernel: 5,
                user: 6,
                ipis: 0,
                tlb_flushes: 1,
            },
            Counted::Block {
                region: 2,
                pc: 16,
                instructions: 7,
            },
            Counted::Transfer { way, count: 9 },
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
