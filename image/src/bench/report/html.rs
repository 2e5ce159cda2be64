//! One page that holds everything: charts, all figures, the set-up, and how to repeat it.

mod charts;

use crate::bench::facts::Facts;
use crate::bench::report::svg::escape;
use crate::bench::results::{Results, System};

const STYLE: &str = include_str!("html/style.css");

/// The page.
#[must_use]
pub fn page(facts: &Facts, results: &Results) -> String {
    let mut body = vec![
        "<h1>Braid and Linux, side by side</h1>".to_owned(),
        legend(results),
    ];
    body.push(charts::comparison(facts, results));
    body.push(charts::scaling(results));
    body.push(charts::by_size(facts, results));
    body.push(figures(facts, results));
    body.push(set_up(facts, results));
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Braid benchmarks</title>\n<style>{STYLE}</style></head>\n<body>\n{}\n</body></html>\n",
        body.join("\n")
    )
}

fn legend(results: &Results) -> String {
    let names = results.systems().into_iter().map(|system| {
        let release = results.releases.get(&system).map_or("", String::as_str);
        let class = charts::series(system);
        format!(
            "<span class=\"k{class}\">■</span> {} {}",
            system.name(),
            escape(release)
        )
    });
    format!("<p>{}</p>", names.collect::<Vec<_>>().join(" &nbsp; "))
}

/// All figures, with what the charts leave out.
fn figures(facts: &Facts, results: &Results) -> String {
    let mut rows = String::new();
    for key in results.keys() {
        for system in results.systems() {
            let Some(summary) = results.summary(key, system) else {
                continue;
            };
            let cells = [
                key.benchmark().name.to_owned(),
                system.name().to_owned(),
                format!("{}/{}", key.shape.smp, key.shape.tori),
                key.processes.to_string(),
                key.bytes.to_string(),
                summary.n.to_string(),
                format!("{:.1}", summary.median),
                format!("{:.1}", summary.p99),
                format!("{:.1}", summary.mean),
                format!("{:.1}", summary.deviation),
            ];
            rows.push_str("<tr>");
            for cell in cells {
                rows.push_str(&format!("<td>{}</td>", escape(&cell)));
            }
            rows.push_str("</tr>\n");
        }
    }
    let titles = [
        "benchmark",
        "system",
        "cores/tori",
        "processes",
        "bytes",
        "n",
        "median",
        "p99",
        "mean",
        "deviation",
    ];
    let heads: String = titles
        .iter()
        .map(|title| format!("<th>{title}</th>"))
        .collect();
    format!(
        "<h2>All figures</h2>\n<p>{} for one operation.</p>\n<table><tr>{heads}</tr>\n{rows}</table>",
        facts.unit()
    )
}

fn set_up(facts: &Facts, results: &Results) -> String {
    let mut items = vec![
        format!(
            "QEMU {}, {}, -cpu {}, {} MiB",
            facts.qemu, facts.accelerator, facts.guest_cpu, facts.memory
        ),
        format!("host: {}, {} cores", facts.cpu, facts.host_cores),
        format!("sources: commit {}", facts.commit),
    ];
    let words = |system: System| Some(format!("{} is told: {}", system.name(), system.words()?));
    items.extend(results.systems().into_iter().filter_map(words));
    let items: String = items
        .iter()
        .map(|item| format!("<li>{}</li>\n", escape(item)))
        .collect();
    format!(
        "<h2>Set-up</h2>\n<ul>{items}</ul>\n<h2>Repeat it</h2>\n<pre>{}</pre>",
        escape(&facts.command)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::report::table::tests::facts;
    use crate::bench::results::tests::{SHAPE, run};

    #[test]
    fn the_page_is_whole_and_needs_nothing_else() {
        let mut results = Results::default();
        for processes in [1, 2, 4] {
            let sample = 100 / u64::from(processes);
            results.add(System::Braid, SHAPE, &run("brk", processes, &[sample]));
            results.add(System::Linux, SHAPE, &run("brk", processes, &[100]));
        }
        let page = page(&facts(), &results);
        assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
        assert!(page.contains("<polyline class=\"l0\"") && page.contains("<rect class=\"s1\""));
        assert!(!page.contains("http") && !page.contains("src="), "{page}");
        assert!(page.ends_with("</body></html>\n"));
    }

    #[test]
    fn a_page_without_figures_is_a_page_all_the_same() {
        let page = page(&facts(), &Results::default());
        assert!(page.contains("Repeat it") && !page.contains("<svg"));
    }
}
