//! The charts of the page.

use crate::bench::facts::Facts;
use crate::bench::report::svg::{self, Chart, Curve, Marks, Row, Scale};
use crate::bench::report::table;
use crate::bench::results::{Key, Results, Shape, System};

/// The colour of a system.
pub(super) const fn series(system: System) -> usize {
    match system {
        System::Braid => 0,
        System::Linux => 1,
        System::LinuxHuge => 2,
    }
}

const SERIES: [System; 3] = [System::Braid, System::Linux, System::LinuxHuge];

fn shapes(results: &Results) -> Vec<Shape> {
    let mut shapes: Vec<Shape> = results.keys().iter().map(|key| key.shape).collect();
    shapes.dedup();
    shapes
}

/// Bars for what one process did, for each machine.
pub(super) fn comparison(facts: &Facts, results: &Results) -> String {
    let mut text = String::new();
    for shape in shapes(results) {
        let keys = results.keys().into_iter();
        let alone = keys.filter(|key| key.shape == shape && key.processes == 1);
        let rows: Vec<Row> = alone.map(|key| row(results, key)).collect();
        if rows.is_empty() {
            continue;
        }
        let unit = facts.unit();
        text.push_str(&format!(
            "<h2>One operation, {} cores</h2>\n<p>{unit} for one operation, median; shorter is better. Each row has a scale of its own.</p>\n",
            shape.smp
        ));
        text.push_str(&svg::bars(&rows));
    }
    text
}

fn row(results: &Results, key: Key) -> Row {
    let bar = |system| {
        let median = results.summary(key, system)?.median;
        let ratio = match system {
            System::Braid => String::new(),
            peer => results
                .ratio(key, peer)
                .map_or(String::new(), |ratio| format!(" (Braid {ratio:.2})")),
        };
        Some((median, table::number(median) + &ratio))
    };
    Row {
        name: table::name(results, key),
        bars: SERIES.into_iter().map(bar).collect(),
    }
}

/// How much N processes get done in the time in which one does its work.
pub(super) fn scaling(results: &Results) -> String {
    let mut text = String::new();
    for shape in shapes(results) {
        let charts: Vec<String> = one_of_each(results, shape)
            .into_iter()
            .filter_map(|key| scaling_chart(results, key))
            .collect();
        if charts.is_empty() {
            continue;
        }
        text.push_str(&format!(
            "<h2>Several processes at once, {} cores</h2>\n<p>Operations in a given time, as a multiple of what one process does, by number of processes; higher is better.</p>\n",
            shape.smp
        ));
        text.push_str(&charts.concat());
    }
    text
}

fn one_of_each(results: &Results, shape: Shape) -> Vec<Key> {
    let mut keys: Vec<Key> = results
        .keys()
        .into_iter()
        .filter(|key| key.shape == shape)
        .collect();
    keys.dedup_by_key(|key| key.benchmark().name);
    keys
}

fn scaling_chart(results: &Results, first: Key) -> Option<String> {
    let keys: Vec<Key> = alike(results, first)
        .filter(|key| key.bytes == first.bytes)
        .collect();
    let curve = |system| {
        results.throughput(first, system)?;
        let point = |key: &Key| {
            let throughput = results.throughput(*key, system)?;
            Some((f64::from(key.processes), throughput))
        };
        Some(Curve {
            series: series(system),
            points: keys.iter().filter_map(point).collect(),
        })
    };
    if keys.len() < 2 || first.processes != 1 {
        return None;
    }
    let curves: Vec<Curve> = SERIES.into_iter().filter_map(curve).collect();
    let most = curves
        .iter()
        .flat_map(|curve| &curve.points)
        .fold(1.0, |most: f64, point| most.max(point.1));
    let numbers = |values: &mut dyn Iterator<Item = u32>| {
        values.map(|n| (f64::from(n), n.to_string())).collect()
    };
    Some(svg::curves(&Chart {
        title: first.benchmark().name.to_owned(),
        scale: (Scale::Logarithmic, Scale::Linear),
        marks: (
            numbers(&mut keys.iter().map(|key| key.processes)),
            numbers(&mut (0..=most.ceil() as u32)),
        ),
        curves,
    }))
}

/// Curves of the benchmarks that are done for several sizes of memory.
pub(super) fn by_size(facts: &Facts, results: &Results) -> String {
    let mut text = String::new();
    for shape in shapes(results) {
        for key in one_of_each(results, shape) {
            text.push_str(&size_chart(results, key).unwrap_or_default());
        }
    }
    if text.is_empty() {
        return text;
    }
    format!(
        "<h2>By resident size</h2>\n<p>{} by memory of the process, both in powers; lower is better.</p>\n{text}",
        facts.unit()
    )
}

fn size_chart(results: &Results, first: Key) -> Option<String> {
    let keys: Vec<Key> = alike(results, first)
        .filter(|key| key.processes == first.processes)
        .collect();
    if keys.len() < 2 {
        return None;
    }
    let curve = |system| Curve {
        series: series(system),
        points: keys
            .iter()
            .filter_map(|key| Some((key.bytes as f64, results.summary(*key, system)?.median)))
            .collect(),
    };
    let curves: Vec<Curve> = SERIES.into_iter().map(curve).collect();
    let values = curves
        .iter()
        .flat_map(|curve| &curve.points)
        .map(|point| point.1);
    Some(svg::curves(&Chart {
        title: first.benchmark().name.to_owned(),
        scale: (Scale::Logarithmic, Scale::Logarithmic),
        marks: (
            keys.iter()
                .map(|key| (key.bytes as f64, table::size(key.bytes)))
                .collect(),
            powers(values),
        ),
        curves,
    }))
}

fn alike(results: &Results, first: Key) -> impl Iterator<Item = Key> {
    let keys = results.keys().into_iter();
    keys.filter(move |key| key.shape == first.shape && key.benchmark() == first.benchmark())
}

/// The powers of ten around all values.
fn powers(values: impl Iterator<Item = f64> + Clone) -> Marks {
    let least = values.clone().fold(f64::MAX, f64::min).max(1.0);
    let most = values.fold(1.0, f64::max);
    let (from, to) = (least.log10().floor() as i32, most.log10().ceil() as i32);
    (from..=to)
        .map(|power| (10f64.powi(power), format!("1e{power}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_powers() {
        assert_eq!(
            ["1G", "256M", "4K", "5", "0"],
            [1 << 30, 256 << 20, 4096, 5, 0]
                .map(table::size)
                .each_ref()
                .map(String::as_str)
        );
        let names: Vec<String> = powers([20.0, 3000.0].into_iter())
            .into_iter()
            .map(|mark| mark.1)
            .collect();
        assert_eq!(names, ["1e1", "1e2", "1e3", "1e4"]);
    }
}
