//! `braid bench`: short runs on both kernels, and bad input. What the figures are is not tested.

use std::path::Path;
use std::process::Output;

use braid::bench::linux::find;
use braid::install::Consent;
use braid::progress::Voice;
use braid_bench::catalogue::{self, Group};
use braid_tests::booted::{parts, tool};
use serde_json::Value;

fn bench(words: &[&str]) -> Output {
    let words = ["bench"].iter().chain(words).copied();
    tool::braid(words).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn records(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Linux's kernel, where one can be had.
fn linux() -> Option<String> {
    match find::find(&parts().root, Consent::new(false), Voice::Normal) {
        Ok(kernel) => Some(kernel.path.to_str().unwrap().to_owned()),
        Err(error) => {
            eprintln!("Linux is not tested: {error:#}");
            None
        }
    }
}

/// A figure's record is complete, and its numbers can be true.
fn check(record: &Value) {
    assert_eq!(
        (&record["schema"], &record["kind"]),
        (&1.into(), &"figure".into())
    );
    for key in [
        "system",
        "release",
        "unit",
        "accelerator",
        "qemu",
        "cpu",
        "guest_cpu",
        "commit",
        "command",
    ] {
        assert!(
            record[key].as_str().is_some_and(|text| !text.is_empty()),
            "{key} in {record}"
        );
    }
    let number = |key: &str| {
        record[key]
            .as_f64()
            .unwrap_or_else(|| panic!("{key} in {record}"))
    };
    for key in [
        "processes",
        "boots",
        "n",
        "smp",
        "tori",
        "memory_mib",
        "host_cores",
    ] {
        assert!(number(key) >= 1.0, "{key} in {record}");
    }
    let [least, median, p99, most] = ["least", "median", "p99", "most"].map(number);
    assert!(least <= median && median <= p99 && p99 <= most, "{record}");
    assert!(
        least <= number("mean") && number("mean") <= most,
        "{record}"
    );
    assert!(
        number("deviation") >= 0.0 && number("spread") >= 0.0,
        "{record}"
    );
    // An operation is at least one instruction, and at most a minute of them.
    assert!(least >= 1.0 && most < 6e10, "{record}");
}

#[test]
fn a_short_run_has_every_figure_of_both_kernels() {
    let directory = tempfile::tempdir().unwrap();
    let json = directory.path().join("figures.json");
    let html = directory.path().join("report.html");
    let linux = linux();
    let peer = linux.as_deref().unwrap_or("none");
    let output = bench(&[
        "--icount",
        "--quick",
        "--boots",
        "1",
        "--samples",
        "2",
        "--linux",
        peer,
        "--json",
        json.to_str().unwrap(),
        "--html",
        html.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let records = records(&json);
    records.iter().for_each(check);
    let mut systems = vec!["Braid"];
    if linux.is_some() {
        systems.extend(["Linux", "Linux-THP"]);
    }
    for benchmark in catalogue::ALL
        .iter()
        .filter(|found| found.group != Group::Torus)
    {
        for system in &systems {
            let is_it = |record: &&Value| {
                record["benchmark"] == benchmark.name && record["system"] == *system
            };
            assert_eq!(
                records.iter().filter(is_it).count(),
                1,
                "{} on {system}",
                benchmark.name
            );
        }
    }
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("instructions for one operation"), "{table}");
    let page = std::fs::read_to_string(html).unwrap();
    assert!(
        page.contains("<svg") && page.contains("fork-256m") && page.contains("--icount --quick")
    );
}

#[test]
fn processes_at_once_are_figures_of_their_own() {
    let directory = tempfile::tempdir().unwrap();
    let json = directory.path().join("figures.json");
    let output = bench(&[
        "--accel",
        "tcg",
        "--quick",
        "--boots",
        "1",
        "--samples",
        "2",
        "--smp",
        "1,2",
        "--processes",
        "1,3",
        "--linux",
        "none",
        "--json",
        json.to_str().unwrap(),
        "brk",
        "fault-copy",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let records = records(&json);
    records.iter().for_each(check);
    // Two machines, two benchmarks, two numbers of processes.
    assert_eq!(records.len(), 8);
    assert_eq!(
        records
            .iter()
            .filter(|record| record["processes"] == 3)
            .count(),
        4
    );
}

#[test]
fn what_moves_between_tori_is_measured_where_there_are_several() {
    let directory = tempfile::tempdir().unwrap();
    let json = directory.path().join("figures.json");
    let linux = linux();
    let run = |tori: &str, linux: &str| {
        let words = [
            "--accel",
            "tcg",
            "--quick",
            "--boots",
            "1",
            "--samples",
            "2",
        ];
        let machine = ["--smp", "2", "--tori", tori, "--linux", linux];
        let output = ["--json", json.to_str().unwrap(), "torus"];
        let output = bench(&[&words[..], &machine, &output].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        (records(&json), stderr(&output))
    };
    let (records, said) = run("2", linux.as_deref().unwrap_or("none"));
    records.iter().for_each(check);
    let of_tori = |found: &&catalogue::Benchmark| found.group == Group::Torus;
    for benchmark in catalogue::ALL.iter().filter(of_tori) {
        let own = |record: &&Value| record["benchmark"] == benchmark.name;
        let mut sizes: Vec<u64> = records
            .iter()
            .filter(own)
            .map(|record| record["bytes"].as_u64().unwrap())
            .collect();
        sizes.dedup();
        let name = benchmark.name;
        assert_eq!(sizes.len(), benchmark.sizes.len().max(1), "{name}");
        let absent = format!("Linux has no {name}: it has no tori");
        assert!(linux.is_none() || said.contains(&absent), "{said}");
    }
    assert!(records.iter().all(|record| record["system"] == "Braid"));

    let (records, said) = run("1", "none");
    assert_eq!(records, Vec::<Value>::new());
    assert!(
        said.contains("Braid has no migrate: it takes two tori"),
        "{said}"
    );
}

#[test]
fn what_fails_is_told_and_the_rest_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let json = directory.path().join("figures.json");
    // Too little memory for the second.
    let output = bench(&[
        "--icount",
        "--boots",
        "1",
        "--samples",
        "1",
        "--mem",
        "96M",
        "--linux",
        "none",
        "--json",
        json.to_str().unwrap(),
        "null-call",
        "fork-256m",
    ]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("Braid: fork-256m failed"), "{said}");
    let records = records(&json);
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["benchmark"], "null-call");
}

#[test]
fn tori_share_no_cache_line_when_each_works_for_itself() {
    let directory = tempfile::tempdir().unwrap();
    let json = directory.path().join("sharing.json");
    let output = bench(&[
        "--sharing",
        "--smp",
        "4",
        "--linux",
        "none",
        "--json",
        json.to_str().unwrap(),
        "null-call",
        "fault-write",
        "map",
        "fork-1m",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let table = String::from_utf8(output.stdout).unwrap();
    let records = records(&json);
    assert_eq!(records.len(), 7, "{table}");
    for record in records {
        assert_eq!(record["kind"], "sharing");
        // Two cores in each of two tori, three rounds of the same operations by each process.
        assert_eq!(
            (&record["processes"], &record["tori"]),
            (&4.into(), &2.into())
        );
        assert_eq!(record["operations"].as_u64().unwrap() % 12, 0, "{record}");
        assert!(
            record["kernel_instructions"].as_f64().unwrap() > 10.0,
            "{record}"
        );
        assert_eq!(record["lines_across"], 0.0, "{table}");
    }
}

#[test]
fn a_profile_names_the_kernels_functions() {
    let directory = tempfile::tempdir().unwrap();
    let json = directory.path().join("profile.json");
    let output = bench(&[
        "--profile",
        "--linux",
        "none",
        "--json",
        json.to_str().unwrap(),
        "fault-read",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let records = records(&json);
    assert!(records.iter().all(|record| record["kind"] == "profile"));
    let fault = records.iter().find(|record| {
        let name = record["function"].as_str().unwrap();
        name.starts_with("braid_kernel::mem::fault::")
    });
    assert!(fault.is_some_and(|record| record["instructions"].as_f64().unwrap() > 1.0));
}

/// A QEMU that does nothing but refuse.
fn broken_qemu(directory: &Path, said: &str) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = directory.join("qemu");
    let text = format!(
        "#!/bin/sh\n[ \"$1\" = --version ] && echo QEMU emulator version 7.2.0 && exit 0\necho '{said}' >&2\nexit 1\n"
    );
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn a_qemu_without_plug_ins_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let qemu = broken_qemu(directory.path(), "-plugin: invalid option");
    let mut command = tool::braid(["bench", "--sharing", "--smp", "2", "--linux", "none", "brk"]);
    let output = command.env("BRAID_QEMU", qemu).output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("-plugin: invalid option"), "{said}");
}

#[test]
fn bad_input_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("vmlinuz");
    std::fs::write(&file, [0; 4096]).unwrap();
    let file = file.to_str().unwrap();
    for (words, message) in [
        (
            &["no-such"][..],
            "there is no benchmark no-such; there are: null-call",
        ),
        (&["--linux", file][..], "is not a bzImage"),
        (
            &["--linux", "/no/such/kernel"][..],
            "/no/such/kernel: No such file",
        ),
        (
            &["--icount", "--smp", "2"][..],
            "instructions are counted with one core",
        ),
        (
            &["--tori", "3", "--smp", "2"][..],
            "--tori 3 does not fit --smp 2",
        ),
        (&["--boots", "0"][..], "--boots"),
        (
            &["--sharing", "--smp", "3", "--tori", "2"][..],
            "tori of one size",
        ),
        (&["--sharing", "--icount"][..], "cannot be used with"),
    ] {
        let output = bench(words);
        assert_eq!(output.status.code(), Some(125), "{words:?}");
        assert!(
            stderr(&output).contains(message),
            "{words:?}: {}",
            stderr(&output)
        );
    }
}
