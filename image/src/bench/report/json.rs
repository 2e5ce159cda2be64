//! Records for programs: a JSON object in each line. `docs/benchmarks.md` has the schema.

use serde_json::{Value, json};

use crate::bench::facts::Facts;
use crate::bench::results::{Key, Results, System};

/// Version of the schema.
pub const SCHEMA: u32 = 1;

/// All figures, one in each line.
#[must_use]
pub fn lines(facts: &Facts, results: &Results) -> String {
    let mut text = String::new();
    for key in results.keys() {
        for system in results.systems() {
            if let Some(record) = figure(facts, results, key, system) {
                text.push_str(&record.to_string());
                text.push('\n');
            }
        }
    }
    text
}

fn figure(facts: &Facts, results: &Results, key: Key, system: System) -> Option<Value> {
    let summary = results.summary(key, system)?;
    let benchmark = key.benchmark();
    let mut record = json!({
        "schema": SCHEMA,
        "kind": "figure",
        "benchmark": benchmark.name,
        "operation": benchmark.operation,
        "system": system.name(),
        "release": results.releases.get(&system),
        "kernel_words": system.words(),
        "processes": key.processes,
        "bytes": key.bytes,
        "unit": facts.unit(),
        "boots": results.boots(key, system),
        "n": summary.n,
        "median": summary.median,
        "p99": summary.p99,
        "mean": summary.mean,
        "deviation": summary.deviation,
        "least": summary.least,
        "most": summary.most,
        "spread": results.spread(key, system),
        "throughput": results.throughput(key, system),
        "smp": key.shape.smp,
        "tori": key.shape.tori,
    });
    merge(&mut record, common(facts));
    Some(record)
}

/// What every record carries.
pub(super) fn common(facts: &Facts) -> Value {
    json!({
        "memory_mib": facts.memory,
        "accelerator": facts.accelerator,
        "qemu": facts.qemu,
        "cpu": facts.cpu,
        "host_cores": facts.host_cores,
        "guest_cpu": facts.guest_cpu,
        "commit": facts.commit,
        "command": facts.command,
    })
}

pub(super) fn merge(record: &mut Value, more: Value) {
    if let (Value::Object(record), Value::Object(more)) = (record, more) {
        record.extend(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::report::table::tests::facts;
    use crate::bench::results::tests::{SHAPE, run};

    #[test]
    fn every_figure_is_one_line_with_all_that_it_needs() {
        let mut results = Results::default();
        results.add(System::Braid, SHAPE, &run("brk", 1, &[2, 4]));
        results.add(System::Linux, SHAPE, &run("brk", 1, &[8]));
        let text = lines(&facts(), &results);
        let records: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(records.len(), 2);
        assert_eq!(records[0]["system"], "Braid");
        assert_eq!(records[0]["median"], 1.5);
        for key in [
            "n",
            "p99",
            "mean",
            "deviation",
            "throughput",
            "accelerator",
            "qemu",
            "cpu",
            "commit",
            "smp",
        ] {
            assert!(!records[1][key].is_null(), "{key}");
        }
    }
}
