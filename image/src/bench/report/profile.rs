//! Where the kernel's instructions go, as a table and as records.

use std::collections::BTreeMap;

use serde_json::json;

use super::json::{SCHEMA, common, merge};
use super::table::{align, number};
use crate::bench::counted::{Counted, Counts};
use crate::bench::facts::Facts;

/// A profile ends when this part of the instructions is told.
const ENOUGH: f64 = 0.99;

/// Instructions of one operation by function, the busiest first.
fn functions(counts: &Counts, counted: &Counted) -> Vec<(String, f64)> {
    let Some(symbols) = counts.symbols.get(&counted.system) else {
        return Vec::new();
    };
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for &(pc, instructions) in &counted.region.blocks {
        *sums.entry(symbols.function(pc)).or_default() += instructions;
    }
    let mut sums: Vec<(String, u64)> = sums.into_iter().collect();
    sums.sort_by_key(|sum| std::cmp::Reverse(sum.1));
    let operations = counted.region.operations as f64;
    sums.into_iter()
        .map(|(name, count)| (name, count as f64 / operations))
        .collect()
}

/// A table for each benchmark and kernel.
#[must_use]
pub fn table(counts: &Counts) -> String {
    let mut text = String::new();
    for counted in &counts.counted {
        let total = counted.region.kernel as f64 / counted.region.operations as f64;
        text.push_str(&format!(
            "\n{} on {}: {} instructions of the kernel for one operation\n",
            counted.name,
            counted.system.name(),
            number(total)
        ));
        let mut told = 0.0;
        let mut rows = Vec::new();
        for (name, each) in functions(counts, counted) {
            if told >= ENOUGH * total {
                break;
            }
            told += each;
            rows.push(vec![
                String::new(),
                number(each),
                format!("{:.1}%", 100.0 * each / total),
                name,
            ]);
        }
        let names: Vec<String> = rows.iter_mut().filter_map(Vec::pop).collect();
        let numbers = align(&rows);
        for (numbers, name) in numbers.lines().zip(names) {
            text.push_str(&format!("{numbers}  {name}\n"));
        }
    }
    text
}

/// A record for each function.
#[must_use]
pub fn lines(facts: &Facts, counts: &Counts) -> String {
    let mut text = String::new();
    for counted in &counts.counted {
        for (function, each) in functions(counts, counted) {
            let mut record = json!({
                "schema": SCHEMA,
                "kind": "profile",
                "benchmark": counted.name,
                "system": counted.system.name(),
                "release": counts.releases.get(&counted.system),
                "kernel_words": counted.system.words(),
                "function": function,
                "instructions": each,
                "operations": counted.region.operations,
                "smp": counted.shape.smp,
                "tori": counted.shape.tori,
            });
            merge(&mut record, common(facts));
            text.push_str(&record.to_string());
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::counted::report::Region;
    use crate::bench::counted::symbols::Symbols;
    use crate::bench::results::System;
    use crate::bench::results::tests::SHAPE;
    use braid_bench::record::Record;

    #[test]
    fn blocks_of_a_function_are_summed_up() {
        let symbol = |address, name: &str| Record::Symbol {
            address,
            name: name.to_owned(),
        };
        let mut counts = Counts::default();
        counts.symbols.insert(
            System::Linux,
            Symbols::linux(&[symbol(16, "one"), symbol(32, "two")]),
        );
        counts.counted.push(Counted {
            system: System::Linux,
            shape: SHAPE,
            name: "brk".to_owned(),
            processes: 1,
            region: Region {
                operations: 2,
                kernel: 1000,
                blocks: vec![(16, 300), (20, 300), (33, 396), (1, 4)],
                ..Region::default()
            },
        });
        let text = table(&counts);
        let rows: Vec<Vec<&str>> = text
            .lines()
            .skip(2)
            .map(|row| row.split_whitespace().collect())
            .collect();
        assert_eq!(rows, [["300", "60.0%", "one"], ["198", "39.6%", "two"]]);
    }
}
