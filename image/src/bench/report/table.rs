//! The table for the terminal.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::bench::facts::Facts;
use crate::bench::results::{Key, Results, Shape, System};

/// What a table begins with, and all figures: one table for each machine.
#[must_use]
pub fn table(facts: &Facts, results: &Results) -> String {
    let mut shapes: Vec<Shape> = results.keys().iter().map(|key| key.shape).collect();
    shapes.dedup();
    let mut text = heading(facts, &results.releases);
    for shape in shapes {
        let keys: Vec<Key> = results
            .keys()
            .into_iter()
            .filter(|key| key.shape == shape)
            .collect();
        let lines = rows(results, &keys);
        let (smp, tori) = (shape.smp, shape.tori);
        let unit = facts.unit();
        text.push_str(&format!(
            "\n--smp {smp} --tori {tori}: {unit} for one operation, median\n"
        ));
        text.push_str(&align(&lines));
        text.push_str(&scaling(results, &keys));
    }
    if facts.unit() == "instructions" {
        text.push_str(&agreement(results));
    }
    text
}

/// What was measured, and where.
#[must_use]
pub fn heading(facts: &Facts, releases: &BTreeMap<System, String>) -> String {
    let releases: Vec<String> = releases
        .iter()
        .map(|(system, release)| format!("{} {release}", system.name()))
        .collect();
    format!(
        "{}\nQEMU {} ({}, -cpu {}, {} MiB) on {} ({} cores), commit {}\n",
        releases.join(", "),
        facts.qemu,
        facts.accelerator,
        facts.guest_cpu,
        facts.memory,
        facts.cpu,
        facts.host_cores,
        facts.commit
    )
}

/// A row for each figure, and one of titles.
fn rows(results: &Results, keys: &[Key]) -> Vec<Vec<String>> {
    let systems = results.systems();
    let mut titles = vec!["benchmark".to_owned(), "processes".to_owned()];
    for &system in &systems {
        titles.extend([system.name().to_owned(), "+-".to_owned()]);
        if is_compared(system, &systems) {
            titles.push("ratio".to_owned());
        }
    }
    titles.push("n".to_owned());
    let mut rows = vec![titles];
    for &key in keys {
        let mut row = vec![name(results, key), key.processes.to_string()];
        let mut counts = Vec::new();
        for &system in &systems {
            let summary = results.summary(key, system);
            row.push(summary.map_or("-".to_owned(), |found| number(found.median)));
            row.push(summary.map_or(String::new(), |found| part(found.deviation, found.mean)));
            if is_compared(system, &systems) {
                let ratio = results.ratio(key, system);
                row.push(ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}")));
            }
            counts.extend(summary.map(|found| found.n.to_string()));
        }
        counts.dedup();
        row.push(counts.join("/"));
        rows.push(row);
    }
    rows
}

/// What several processes do at once against what one does.
fn scaling(results: &Results, keys: &[Key]) -> String {
    let systems = results.systems();
    let mut titles = vec!["benchmark".to_owned(), "processes".to_owned()];
    titles.extend(systems.iter().map(|system| system.name().to_owned()));
    let mut rows = vec![titles];
    for &key in keys.iter().filter(|key| key.processes > 1) {
        let mut row = vec![name(results, key), key.processes.to_string()];
        row.extend(systems.iter().map(|&system| {
            let throughput = results.throughput(key, system);
            throughput.map_or("-".to_owned(), |times| format!("{times:.2}"))
        }));
        rows.push(row);
    }
    if rows.len() == 1 {
        return String::new();
    }
    let text = align(&rows);
    format!("\nOperations in a given time, as a multiple of what one process does\n{text}")
}

/// The benchmark's name, with the size of its memory where it has figures for several.
pub(super) fn name(results: &Results, key: Key) -> String {
    let name = key.benchmark().name;
    let is_other = |other: &Key| other.benchmark().name == name && other.bytes != key.bytes;
    if results.keys().iter().any(is_other) {
        return format!("{name}, {}", size(key.bytes));
    }
    name.to_owned()
}

/// Bytes, in the largest unit of which they are a multiple.
pub(super) fn size(bytes: u64) -> String {
    let units = [(30, "G"), (20, "M"), (10, "K")];
    let fits = |&&(shift, _): &&(u32, &str)| bytes > 0 && bytes.is_multiple_of(1 << shift);
    match units.iter().find(fits) {
        Some((shift, unit)) => format!("{}{unit}", bytes >> shift),
        None => bytes.to_string(),
    }
}

fn is_compared(system: System, systems: &[System]) -> bool {
    system != System::Braid && systems.contains(&System::Braid)
}

/// A median, with three digits at least.
pub(super) fn number(value: f64) -> String {
    if value < 100.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

/// The standard deviation in percent of the mean.
fn part(deviation: f64, mean: f64) -> String {
    format!("{:.1}%", 100.0 * deviation / mean)
}

/// Columns: the first to the left, the others to the right.
pub(super) fn align(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| Some(row.get(column)?.len()))
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            let written = if column == 0 {
                write!(text, "{cell:width$}")
            } else {
                write!(text, "  {cell:>width$}")
            };
            debug_assert!(written.is_ok(), "strings take everything");
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

/// Whether counting again gave the same.
fn agreement(results: &Results) -> String {
    let mut spreads: Vec<(f64, String)> = Vec::new();
    for key in results.keys() {
        for system in results.systems() {
            if results.boots(key, system) > 1
                && let Some(spread) = results.spread(key, system)
            {
                spreads.push((
                    spread,
                    format!("{} on {}", key.benchmark().name, system.name()),
                ));
            }
        }
    }
    spreads.sort_by(|one, other| one.0.total_cmp(&other.0));
    let Some((largest, whose)) = spreads.last() else {
        return String::new();
    };
    let same = spreads.iter().filter(|(spread, _)| *spread == 0.0).count();
    format!(
        "\n{same} of {} medians are the same in every boot; the largest spread between boots is {:.2}% ({whose})\n",
        spreads.len(),
        100.0 * largest
    )
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::bench::results::tests::{SHAPE, run};

    pub(crate) fn facts() -> Facts {
        Facts {
            accelerator: "tcg-icount",
            qemu: "7.2.22".to_owned(),
            cpu: "A Processor".to_owned(),
            host_cores: 2,
            guest_cpu: "max",
            commit: "abc".to_owned(),
            memory: 512,
            command: "braid bench".to_owned(),
        }
    }

    #[test]
    fn figures_stand_side_by_side() {
        let mut results = Results::default();
        results.add(System::Braid, SHAPE, &run("brk", 1, &[400, 400]));
        results.add(System::Braid, SHAPE, &run("brk", 1, &[400, 400]));
        results.add(System::Linux, SHAPE, &run("brk", 1, &[1600]));
        results.add(System::Linux, SHAPE, &run("exec", 1, &[10]));
        let text = table(&facts(), &results);
        let row = text.lines().find(|line| line.starts_with("brk")).unwrap();
        let words: Vec<&str> = row.split_whitespace().collect();
        assert_eq!(
            words,
            ["brk", "1", "200", "0.0%", "800", "0.0%", "0.25", "4/1"]
        );
        let row = text.lines().find(|line| line.starts_with("exec")).unwrap();
        assert!(row.contains(" - ") && row.contains("5.0"), "{row}");
        assert!(text.contains("1 of 1 medians are the same"), "{text}");
        assert!(text.contains("QEMU 7.2.22 (tcg-icount"), "{text}");
    }

    #[test]
    fn several_processes_are_compared_with_one() {
        let mut results = Results::default();
        results.add(System::Braid, SHAPE, &run("brk", 1, &[400]));
        assert!(!table(&facts(), &results).contains("in a given time"));
        results.add(System::Braid, SHAPE, &run("brk", 2, &[250]));
        let text = table(&facts(), &results);
        let row = text.lines().rfind(|line| line.starts_with("brk")).unwrap();
        let words: Vec<&str> = row.split_whitespace().collect();
        assert_eq!(words, ["brk", "2", "1.60"]);
    }

    #[test]
    fn without_figures_there_is_a_heading_alone() {
        let text = table(&facts(), &Results::default());
        assert_eq!(text.lines().count(), 2);
    }
}
