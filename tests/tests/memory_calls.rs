//! Memory as programs see it: our programs say the same on Braid as on the host.

use braid_tests::booted::{Exec, Output, programs};

#[test]
fn mappings() {
    let output = Exec::new(programs::rust("mappings")).same_as_host();
    assert_eq!(output.status, 0, "{output:?}");
}

#[test]
fn lengths_and_addresses_at_the_ends() {
    let output = Exec::new(programs::rust("extremes")).same_as_host();
    assert_eq!(output.status, 0, "{output:?}");
}

#[test]
fn faults() {
    let output = Exec::new(programs::rust("faults")).same_as_host();
    assert_eq!(output.status, 0, "{output:?}");
}

#[test]
fn forks() {
    for cores in [1, 4] {
        let program = Exec::new(programs::rust("forks")).smp(cores);
        assert_eq!(program.same_as_host().status, 0);
    }
}

#[test]
fn limits() {
    let output = Exec::new(programs::rust("limits")).same_as_host();
    assert_eq!(output.status, 0, "{output:?}");
}

#[test]
fn locked_pages() {
    let output = Exec::new(programs::rust("locked")).same_as_host();
    assert_eq!(output.status, 0, "{output:?}");
}

#[test]
fn pages_that_will_be_needed() {
    let output = Exec::new(programs::rust("ahead")).tori(1).same_as_host();
    assert_eq!(output.status, 0, "{output:?}");
}

/// Runs what would harm a host.
fn only_here(mode: &str) -> Output {
    let program = Exec::new(programs::rust("limits")).args([mode]);
    let output = program.smp(2).tori(1).mem(96).run();
    assert_eq!(output.status, 0, "{output:?}");
    output
}

#[test]
fn a_hog_ends_and_the_rest_goes_on() {
    let rounds: String = (0..3)
        .map(|round| format!("round {round}: true\nafterwards: Ok(0)\n"))
        .collect();
    let output = only_here("hog");
    assert_eq!(output.stdout, rounds + "own memory: 64\n");
    assert!(output.log.contains("no memory"), "{}", output.log);
}

#[test]
fn a_fork_bomb_ends_and_the_rest_goes_on() {
    let flat = "refused: true\nall killed: true\nmore than the tree: true\n";
    let after = "afterwards: Ok(0)\n";
    assert_eq!(
        only_here("bomb").stdout,
        format!("tree: Ok(0)\n{after}{flat}{after}")
    );
}

#[test]
fn large_pages() {
    let program = Exec::new(programs::rust("huge"));
    assert_eq!(program.same_as_host().status, 0);
    // Two of them; the rest is what the program itself touches meanwhile.
    let output = program.args(["faults"]).run();
    let faults: u32 = output.stdout.trim().parse().unwrap();
    assert!((2..16).contains(&faults), "{output:?}");
}

#[test]
fn as_many_mappings_as_linux_allows() {
    let output = Exec::new(programs::rust("many")).smp(1).run();
    let expected = "as many as allowed: true\nthen: ENOMEM\nmap, and end: Ok(0)\nsplit, and join: Ok(0)\n\
                    unmap from below: Ok(0)\nunmap from above: Ok(0)\nthen: ENOMEM\nfork: Ok(0)\n";
    assert_eq!(output.stdout, expected, "{output:?}");
}

#[test]
fn what_is_counted_of_processes_and_frames() {
    let output = Exec::new(programs::rust("info")).smp(1).run();
    let expected = "nobody: ESRCH\nnowhere: EFAULT\nmapped: 100\nresident: 100\nfirst writes: 100\nprivate frames: 100\n\
                    tables and mappings: true\nchild resident: true\nstatm: true\nzombie resident: 0\ngone: ESRCH\n";
    assert_eq!(output.stdout, expected, "{output:?}");
}

#[test]
fn long_calls_leave_others_their_turns() {
    let program = Exec::new(programs::rust("long"));
    let output = program.smp(1).run();
    let expected = "populate: true\nread: true\nmlock: true\n";
    assert_eq!(output.stdout, expected, "{output:?}");
}

/// Frames that an executable of so many mebibytes takes, of which it touches one: at its first start, and when it is cached.
fn frames_of_executable(mebibytes: u32) -> Vec<u32> {
    let directory = tempfile::tempdir().unwrap();
    let size = format!("-DMEGABYTES={mebibytes}");
    let program = programs::c("large", &[&size], directory.path());
    assert!(program.metadata().unwrap().len() >> 20 >= u64::from(mebibytes));
    let output = Exec::new(programs::rust("footprint"))
        .args(["/bin/large"])
        .file(program, "/bin/large")
        .run();
    assert_eq!(output.status, 0, "{output:?}");
    let number = |line: &str| line.split(' ').nth(1).unwrap().parse().unwrap();
    output.stdout.lines().map(number).collect()
}

#[test]
fn an_executable_takes_the_frames_that_it_touches() {
    let (small, large) = (frames_of_executable(2), frames_of_executable(200));
    println!("executable of 2 MiB: {small:?} frames, of 200 MiB: {large:?}");
    assert!((256..512).contains(&small[0]), "{small:?}");
    for (small, large) in small.into_iter().zip(large) {
        // A page table or two more lead to what is touched.
        assert!(large.abs_diff(small) <= 4, "{small} frames, and {large}");
    }
}
