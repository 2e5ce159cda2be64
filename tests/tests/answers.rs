//! Answers of calls about memory, pipes and files: what our programs are told is what Linux tells them.

use braid_tests::booted::{Exec, cases};

fn as_on_linux(name: &str) {
    let _ = cases::as_on_linux(name, &cases::exec(name).smp(2).tori(1));
}

#[test]
fn mappings() {
    as_on_linux("remap_partial");
}

#[test]
fn all_arguments_of_calls_about_mappings() {
    as_on_linux("mmap_table");
}

#[test]
fn reads_at_positions() {
    as_on_linux("pread_pipe");
}

#[test]
fn pipes() {
    as_on_linux("pipe_edges");
}

/// ELF headers and `#!` lines, odd ones too, one case after the other on one machine.
#[test]
fn what_is_a_program() {
    cases::together_as_on_linux(&["elf_edges", "shebang", "script_edges"], |exec| {
        exec.smp(2).tori(1)
    });
}

/// Calls whose edges Linux's own test suite looks at: groups, sleeps, the number of mappings, devices that are mapped, names in `/proc`;
/// on one torus, and with processes on another.
#[test]
fn edges() {
    let names = [
        "groups",
        "sleep_left",
        "map_count",
        "zeros",
        "proc_nodes",
        "proportional",
        "shm",
        "cut_race",
    ];
    for (cores, tori) in [(2, 1), (4, 2)] {
        cases::together_as_on_linux(&names, |exec| exec.smp(cores).tori(tori));
    }
}

/// Everything under the root is listed, and that ends.
#[test]
fn the_whole_tree_is_listed() {
    let script = "ls -lR / > /tmp/all 2> /tmp/missing; grep -c . /tmp/all";
    let output = Exec::sh(script).smp(4).tori(2).run();
    let lines: usize = output.stdout.trim().parse().unwrap_or(0);
    assert!((100..100_000).contains(&lines), "{output:?}");
}

/// On one torus, and with what runs on another one than what writes.
#[test]
fn programs_that_run_are_not_written() {
    for (cores, tori) in [(2, 1), (4, 2)] {
        let exec = cases::exec("text_busy").smp(cores).tori(tori);
        let _ = cases::as_on_linux("text_busy", &exec);
    }
    let exec = cases::exec("busy_far").smp(4).tori(2);
    let exec = exec.file(cases::program("busy_far"), "/cases/other");
    let _ = cases::as_on_linux("busy_far", &exec);
}

#[test]
fn links_and_core_filters() {
    let names = ["protected_links", "core_filter"];
    cases::together_as_on_linux(&names, |exec| exec.smp(2).tori(2));
}

#[test]
fn names_behind_descriptors() {
    as_on_linux("fdname");
}

/// Its own values, whichever torus it is on, and those of the machine.
#[test]
fn texts_of_proc() {
    let exec = cases::exec("proc_texts").smp(4).tori(2);
    let _ = cases::as_on_linux("proc_texts", &exec);
}

/// The tools that people look with: numbers of both tori, and the names of what runs.
#[test]
fn tools_that_read_proc() {
    let script = "ps -o pid,comm; free | head -2; uptime; top -b -n1 | head -3; grep -c processor /proc/cpuinfo; cat /proc/self/cmdline";
    let output = Exec::sh(script).smp(4).tori(2).mem(512).run();
    let said = |what: &str| assert!(output.stdout.contains(what), "{what}: {output:?}");
    [
        "1 busybox",
        "load average:",
        "% idle",
        "\n4\n",
        "cat\0/proc/self/cmdline\0",
    ]
    .into_iter()
    .for_each(said);
    let line = output.stdout.lines().find(|line| line.starts_with("Mem:"));
    let total = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    assert!(
        total.is_some_and(|kib| (500_000..=524_288).contains(&kib)),
        "{output:?}"
    );
}
