//! `braid bench`: short runs on both kernels, and bad input. What the figures are is not tested.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use braid::bench::linux::find;
use braid::install::Consent;
use braid::progress::Voice;
use braid_bench::catalogue::{self, Group};
use braid_tests::booted::{parts, tool};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// `braid bench`, which writes its figures to a file.
struct Bench {
    directory: TempDir,
    command: Command,
}

/// What came of it.
struct Done {
    status: Option<i32>,
    /// Its standard output.
    table: String,
    /// Its standard error output.
    said: String,
    records: Vec<Value>,
}

impl Bench {
    /// With these words, and this peer.
    fn new(words: &str, linux: &str) -> Bench {
        let directory = tempfile::tempdir().unwrap();
        let mut command = tool::braid(["bench", "--linux", linux, "--json"]);
        command.arg(directory.path().join("figures.json"));
        command.args(words.split_whitespace());
        Bench { directory, command }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn start(&mut self) -> Child {
        self.command.spawn().unwrap()
    }

    fn wait(&self, tool: Child) -> Done {
        let output = tool.wait_with_output().unwrap();
        let text = std::fs::read_to_string(self.path("figures.json")).unwrap_or_default();
        let records = text.lines().map(|line| serde_json::from_str(line).unwrap());
        Done {
            status: output.status.code(),
            table: String::from_utf8(output.stdout).unwrap(),
            said: String::from_utf8_lossy(&output.stderr).into_owned(),
            records: records.collect(),
        }
    }

    fn run(&mut self) -> Done {
        let tool = self.start();
        self.wait(tool)
    }

    /// As [`Bench::run`], and it has all figures.
    fn complete(&mut self) -> Done {
        let done = self.run();
        assert_eq!(done.status, Some(0), "{}", done.said);
        done
    }
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
    let linux = linux();
    let peer = linux.as_deref().unwrap_or("none");
    let mut bench = Bench::new("--icount --quick --boots 1 --samples 2 --html", peer);
    let html = bench.path("report.html");
    bench.command.arg(&html);
    let Done { table, records, .. } = bench.complete();
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
    assert!(table.contains("instructions for one operation"), "{table}");
    let page = std::fs::read_to_string(html).unwrap();
    assert!(
        page.contains("<svg") && page.contains("fork-256m") && page.contains("--icount --quick")
    );
}

#[test]
fn processes_at_once_are_figures_of_their_own() {
    let words =
        "--accel tcg --quick --boots 1 --samples 2 --smp 1,2 --processes 1,3 brk fault-copy";
    let Done { records, .. } = Bench::new(words, "none").complete();
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
    let linux = linux();
    let words = "--accel tcg --quick --boots 1 --samples 2 --smp 2 torus --tori";
    let run = |tori: &str, linux: &str| Bench::new(&format!("{words} {tori}"), linux).complete();
    let Done { records, said, .. } = run("2", linux.as_deref().unwrap_or("none"));
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

    let Done { records, said, .. } = run("1", "none");
    assert_eq!(records, Vec::<Value>::new());
    assert!(
        said.contains("Braid has no migrate: it takes two tori"),
        "{said}"
    );
}

#[test]
fn what_fails_is_told_and_the_rest_is_kept() {
    // Too little memory for the second.
    let words = "--icount --boots 1 --samples 1 --mem 96M null-call fork-256m";
    let Done {
        status,
        said,
        records,
        ..
    } = Bench::new(words, "none").run();
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("Braid: fork-256m failed"), "{said}");
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["benchmark"], "null-call");
}

#[test]
fn tori_share_no_cache_line_when_each_works_for_itself() {
    let words = "--sharing --smp 4 null-call fault-write map fork-1m";
    let Done { table, records, .. } = Bench::new(words, "none").complete();
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
    for (words, module) in [
        ("fault-read", "mem::fault::"),
        ("pull --smp 2 --tori 2", "travel::migrated::"),
    ] {
        let Done { records, .. } = Bench::new(&format!("--profile {words}"), "none").complete();
        assert!(records.iter().all(|record| record["kind"] == "profile"));
        let found = records.iter().find(|record| {
            let name = record["function"].as_str().unwrap();
            // A method of a trait begins with `<`.
            name.contains(module)
        });
        assert!(found.is_some_and(|record| record["instructions"].as_f64().unwrap() > 1.0));
    }
}

/// A shell script in the place of QEMU, which it knows as `$QEMU`.
fn instead_of_qemu(bench: &mut Bench, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    let path = bench.path("qemu");
    let version = "[ \"$1\" = --version ] && echo QEMU emulator version 7.2.0 && exit 0";
    std::fs::write(&path, format!("#!/bin/sh\n{version}\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    bench.command.env("BRAID_QEMU", path);
    bench.command.env("QEMU", &parts().qemu.path);
}

#[test]
fn a_qemu_without_plug_ins_is_told() {
    let mut bench = Bench::new("--sharing --smp 2 brk", "none");
    instead_of_qemu(&mut bench, "echo '-plugin: invalid option' >&2; exit 1");
    let Done { status, said, .. } = bench.run();
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("-plugin: invalid option"), "{said}");
}

/// Starts QEMU as process PID with a copy of what the guest's program writes in the file PID.out.
const COPIES: &str = r#"
for word; do
    shift
    case "$word" in
    socket,id=console,* | socket,id=records,*) word="$word,logfile=$(dirname "$0")/$$.out" ;;
    esac
    set -- "$@" "$word"
done
exec "$QEMU" "$@"
"#;

/// A machine in the directory that has not been killed yet, and whose program has gone on to tell of `brk`.
fn machine_at_brk(directory: &Path, killed: &[Pid]) -> Option<Pid> {
    let entries = std::fs::read_dir(directory).unwrap();
    entries.into_iter().find_map(|entry| {
        let path = entry.unwrap().path();
        let pid = path.file_name()?.to_str()?.strip_suffix(".out")?;
        let pid = Pid::from_raw(pid.parse().ok()?)?;
        let told = std::fs::read(&path).unwrap();
        let is_there = String::from_utf8_lossy(&told).contains("figure name=brk");
        (is_there && !killed.contains(&pid)).then_some(pid)
    })
}

#[test]
fn what_a_machine_told_before_it_died_is_kept() {
    let linux = linux();
    // The last takes far longer than the test looks away.
    let words = "--icount --quick --boots 1 --samples 200 null-call brk compute";
    let mut bench = Bench::new(words, linux.as_deref().unwrap_or("none"));
    instead_of_qemu(&mut bench, COPIES);
    let mut tool = bench.start();
    let mut killed = Vec::new();
    while tool.try_wait().unwrap().is_none() {
        if let Some(pid) = machine_at_brk(bench.directory.path(), &killed) {
            kill_process(pid, Signal::KILL).unwrap();
            killed.push(pid);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let Done {
        status,
        said,
        records,
        ..
    } = bench.wait(tool);
    assert_eq!(status, Some(1), "{said}");
    let mut systems = vec!["Braid"];
    if linux.is_some() {
        systems.extend(["Linux", "Linux-THP"]);
    }
    records.iter().for_each(check);
    for system in systems {
        let is_kept =
            |record: &Value| record["benchmark"] == "null-call" && record["system"] == system;
        assert!(records.iter().any(is_kept), "{system}: {said}");
        let death = format!("braid: {system}: QEMU ended (");
        assert!(said.contains(&death), "{said}");
    }
    assert!(
        records
            .iter()
            .all(|record| record["benchmark"] != "compute")
    );
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
        (
            &["--sharing", "migrate"][..],
            "--sharing is about work on one torus",
        ),
    ] {
        let output = tool::braid(["bench"].iter().chain(words).copied())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(125), "{words:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(message), "{words:?}: {said}");
    }
}
