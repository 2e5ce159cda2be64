//! The longest stretches with interrupts off by benchmark, as tables and as records.

use serde_json::json;

use super::json::{SCHEMA, common, merge};
use crate::bench::counted::{Counted, Counts};
use crate::bench::facts::Facts;
use crate::latency::{self, Row};

/// Rows for each benchmark in the table.
const ROWS: usize = 3;

fn rows(counts: &Counts, counted: &Counted) -> Vec<Row> {
    let symbols = counts.symbols.get(&counted.system);
    symbols.map_or_else(Vec::new, |symbols| {
        latency::rows(&counted.region.stretches, symbols)
    })
}

/// The longest stretch of all, in instructions.
#[must_use]
pub fn longest(counts: &Counts) -> u64 {
    let stretches = counts
        .counted
        .iter()
        .flat_map(|counted| &counted.region.stretches);
    stretches
        .map(|stretch| stretch.instructions)
        .max()
        .unwrap_or(0)
}

/// A table for each benchmark.
#[must_use]
pub fn table(counts: &Counts) -> String {
    let mut text = String::new();
    for counted in &counts.counted {
        let rows = rows(counts, counted);
        let shown = &rows[..rows.len().min(ROWS)];
        text.push_str(&format!("\n{}\n", counted.name));
        if shown.is_empty() {
            text.push_str(&format!("no stretch of {} instructions\n", latency::LEAST));
        } else {
            text.push_str(&latency::table(shown));
        }
    }
    text
}

/// A record for each kind of stretch.
#[must_use]
pub fn lines(facts: &Facts, counts: &Counts) -> String {
    let mut text = String::new();
    for counted in &counts.counted {
        for row in rows(counts, counted) {
            let mut record = json!({
                "schema": SCHEMA,
                "kind": "latency",
                "benchmark": counted.name,
                "system": counted.system.name(),
                "release": counts.releases.get(&counted.system),
                "instructions": row.instructions,
                "times": row.times,
                "entry": row.entry,
                "function": row.function,
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
