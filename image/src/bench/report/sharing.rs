//! What processors have to do with each other, as a table and as records.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::json::{SCHEMA, common, merge};
use super::table::{align, number};
use crate::bench::counted::report::Region;
use crate::bench::counted::symbols::Symbols;
use crate::bench::counted::{Counted, Counts};
use crate::bench::facts::Facts;

/// Those who share most, in a table or record.
const MOST: usize = 8;

/// Cache lines for one operation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Lines {
    within: f64,
    across: f64,
    rings: f64,
}

impl Lines {
    fn of(region: &Region, symbols: &Symbols) -> Lines {
        let mut lines = Lines::default();
        for (way, count) in &region.transfers {
            let sum = if !way.across {
                &mut lines.within
            } else if symbols.is_ring(way.writer_pc) && symbols.is_ring(way.toucher_pc) {
                &mut lines.rings
            } else {
                &mut lines.across
            };
            *sum += *count as f64 / region.operations as f64;
        }
        lines
    }
}

/// Everything that was counted, for one operation.
#[must_use]
pub fn table(counts: &Counts) -> String {
    let mut rows = vec![
        [
            "benchmark",
            "kernel",
            "cores/tori",
            "processes",
            "instructions",
            "IPIs",
            "flushes",
            "lines within",
            "across",
            "rings",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for counted in ordered(counts) {
        let Some(symbols) = counts.symbols.get(&counted.system) else {
            continue;
        };
        let region = &counted.region;
        let lines = Lines::of(region, symbols);
        let each = |count: u64| number(count as f64 / region.operations as f64);
        let shape = counted.shape;
        rows.push(vec![
            counted.name.clone(),
            counted.system.name().to_owned(),
            format!("{}/{}", shape.smp, shape.tori),
            counted.processes.to_string(),
            each(region.kernel),
            fine(region.ipis as f64 / region.operations as f64),
            fine(region.tlb_flushes as f64 / region.operations as f64),
            fine(lines.within),
            fine(lines.across),
            fine(lines.rings),
        ]);
    }
    let who = who(counts);
    format!(
        "For one operation: the kernel's instructions, interrupts sent to processors, TLB flushes, and cache lines that one\nprocessor wrote and another touched: within a torus, across tori, and of the rings\n\n{}{who}",
        align(&rows)
    )
}

/// By benchmark, then kernel, then machine.
fn ordered(counts: &Counts) -> Vec<&Counted> {
    let place = |name: &str| {
        braid_bench::catalogue::ALL
            .iter()
            .position(|benchmark| benchmark.name == name)
    };
    let mut all: Vec<&Counted> = counts.counted.iter().collect();
    all.sort_by_key(|counted| (place(&counted.name), counted.system, counted.shape));
    all
}

/// Small numbers: none at all is to be told from nearly none.
fn fine(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        0.0005.. => format!("{value:.3}"),
        _ => format!("{value:.0e}"),
    }
}

/// The code that shares lines across tori on Braid, and does not belong to the rings.
fn who(counts: &Counts) -> String {
    let mut text = String::new();
    for counted in ordered(counts) {
        let Some(symbols @ Symbols::Braid(..)) = counts.symbols.get(&counted.system) else {
            continue;
        };
        for (writer, toucher, each) in sharers(&counted.region, symbols, true) {
            text.push_str(&format!(
                "{}, {} cores: {} for one operation\n    written by {writer}\n    touched by {toucher}\n",
                counted.name,
                counted.shape.smp,
                fine(each)
            ));
        }
    }
    if text.is_empty() {
        return "\nNo cache line outside of the rings went across tori on Braid.\n".to_owned();
    }
    format!("\nCache lines that went across tori on Braid, outside of the rings:\n{text}")
}

/// Pairs of code between which lines go across tori or within them, the busiest first, with lines for one operation; without
/// those of the rings.
fn sharers(region: &Region, symbols: &Symbols, across: bool) -> Vec<(String, String, f64)> {
    let mut pairs: BTreeMap<(u64, u64), u64> = BTreeMap::new();
    for (way, count) in &region.transfers {
        let of_rings = || symbols.is_ring(way.writer_pc) && symbols.is_ring(way.toucher_pc);
        if way.across == across && !of_rings() {
            *pairs.entry((way.writer_pc, way.toucher_pc)).or_default() += count;
        }
    }
    let mut pairs: Vec<((u64, u64), u64)> = pairs.into_iter().collect();
    pairs.sort_by_key(|pair| std::cmp::Reverse(pair.1));
    let each = |count: u64| count as f64 / region.operations as f64;
    let named = pairs.into_iter().take(MOST);
    named
        .map(|((writer, toucher), count)| {
            (symbols.place(writer), symbols.place(toucher), each(count))
        })
        .collect()
}

/// A record for each benchmark, kernel and machine.
#[must_use]
pub fn lines(facts: &Facts, counts: &Counts) -> String {
    let records = ordered(counts).into_iter().filter_map(|counted| {
        let symbols = counts.symbols.get(&counted.system)?;
        Some(record(facts, counts, counted, symbols).to_string() + "\n")
    });
    records.collect()
}

fn record(facts: &Facts, counts: &Counts, counted: &Counted, symbols: &Symbols) -> Value {
    let region = &counted.region;
    let lines = Lines::of(region, symbols);
    let each = |count: u64| count as f64 / region.operations as f64;
    let by = |across: bool| -> Vec<Value> {
        let pairs = sharers(region, symbols, across).into_iter();
        pairs
            .map(|(writer, toucher, each)| json!({ "writer": writer, "toucher": toucher, "lines": each }))
            .collect()
    };
    let mut record = json!({
        "schema": SCHEMA,
        "kind": "sharing",
        "benchmark": counted.name,
        "system": counted.system.name(),
        "release": counts.releases.get(&counted.system),
        "kernel_words": counted.system.words(),
        "processes": counted.processes,
        "operations": region.operations,
        "kernel_instructions": each(region.kernel),
        "ipis": each(region.ipis),
        "tlb_flushes": each(region.tlb_flushes),
        "lines_within": lines.within,
        "lines_across": lines.across,
        "lines_rings": lines.rings,
        "across_by": by(true),
        "within_by": by(false),
        "smp": counted.shape.smp,
        "tori": counted.shape.tori,
    });
    merge(&mut record, common(facts));
    record
}

#[cfg(test)]
mod tests {
    use braid_bench::counted::Transfer;

    use super::*;
    use crate::bench::report::table::tests::facts;
    use crate::bench::results::System;
    use crate::bench::results::tests::SHAPE;

    fn counts() -> Counts {
        let transfer = |across, count| {
            let way = Transfer {
                region: 0,
                across,
                line: 64,
                writer_pc: 16,
                toucher_pc: 32,
                write: true,
            };
            (way, count)
        };
        let mut counts = Counts::default();
        counts.counted.push(Counted {
            system: System::Linux,
            shape: SHAPE,
            name: "brk".to_owned(),
            processes: 2,
            region: Region {
                operations: 10,
                kernel: 1000,
                transfers: vec![transfer(false, 20), transfer(true, 5)],
                ..Region::default()
            },
        });
        counts.symbols.insert(System::Linux, Symbols::linux(&[]));
        counts
    }

    #[test]
    fn everything_is_for_one_operation() {
        let text = table(&counts());
        let row = text.lines().find(|line| line.starts_with("brk")).unwrap();
        let words: Vec<&str> = row.split_whitespace().collect();
        assert_eq!(
            words,
            [
                "brk", "Linux", "2/1", "2", "100", "0", "0", "2.000", "0.500", "0"
            ]
        );
        let record: Value = serde_json::from_str(&lines(&facts(), &counts())).unwrap();
        assert_eq!(record["lines_across"], 0.5);
        assert_eq!(record["across_by"][0]["writer"], "0x10");
        assert_eq!(record["within_by"][0]["lines"], 2.0);
    }

    #[test]
    fn nearly_nothing_is_not_nothing() {
        assert_eq!(
            [0.0, 0.00001, 0.25, 12.0].map(fine),
            ["0", "1e-5", "0.250", "12.000"]
        );
    }
}
