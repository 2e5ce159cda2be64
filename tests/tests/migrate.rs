//! Processes that move between the tori of booted machines. Every run also checks that each torus gets all its frames back.

use braid_tests::booted::{Exec, Output, programs};

/// Runs the test program with these words on so many cores and tori.
fn moving(words: &str, cores: u32, tori: u32) -> Output {
    let output = Exec::new(programs::rust("migrate"))
        .args(words.split(' '))
        .smp(cores)
        .tori(tori)
        .run();
    assert_eq!(output.status, 0, "{output:?}");
    output
}

/// A counter of a torus at the end of a run.
fn counter(output: &Output, torus: u32, name: &str) -> u64 {
    let start = format!("torus {torus}: {name} ");
    let line = output
        .log
        .lines()
        .rev()
        .find_map(|line| line.split_once(&start));
    let (_, value) = line.unwrap_or_else(|| panic!("{start} is not in {}", output.log));
    value.trim().parse().expect("a number")
}

#[test]
fn memory_goes_around_all_tori() {
    let output = moving("around 3000", 4, 4);
    let steps: Vec<_> = output.stdout.lines().collect();
    let tori = [1, 2, 3, 0, 1, 2, 3, 0];
    let expected = (1..)
        .zip(tori)
        .map(|(step, torus)| format!("step {step}: torus {torus}"));
    assert_eq!(steps, expected.collect::<Vec<_>>());
}

#[test]
fn shared_memory_is_shared_between_tori() {
    let shared = Exec::new(programs::rust("shared"));
    let output = shared.smp(4).tori(4).same_as_host();
    assert_eq!(output.status, 0, "{output:?}");
}

#[test]
fn memory_objects_follow_by_content() {
    let objects = Exec::new(programs::rust("shared")).args(["objects"]);
    let output = objects.smp(3).tori(3).run();
    let child = "object: true\nobject: true\nchild: Ok(0)\nobject: true\nchild: Ok(0)\n";
    assert_eq!(output.stdout, format!("{child}object: true\nagain: true\n"));
}

#[test]
fn a_storm_of_processes_that_count_in_the_same_pages() {
    let storm = Exec::new(programs::rust("shared")).args(["storm"]);
    let output = storm.smp(4).tori(4).same_as_host();
    assert!(
        output.stdout.ends_with("all the same: true, 360\n"),
        "{output:?}"
    );
}

#[test]
fn pages_in_swap_follow() {
    // More than one torus has.
    let output = Exec::new(programs::rust("migrate"))
        .args(["around", "9000"])
        .smp(2)
        .tori(2)
        .mem(80)
        .swap(240)
        .stats()
        .run();
    assert_eq!(output.status, 0, "{output:?}");
    let lines: Vec<_> = output.stdout.lines().collect();
    let steps = [1, 0, 1, 0].iter().zip(1..);
    let expected = steps.map(|(torus, step)| format!("step {step}: torus {torus}"));
    assert_eq!(lines, expected.collect::<Vec<_>>());
    for torus in 0..2 {
        assert!(counter(&output, torus, "swapped_in") > 0, "{output:?}");
    }
}

#[test]
fn pages_left_behind_everywhere_are_found() {
    for (cores, tori, seed) in [(2, 2, 1), (4, 3, 2), (8, 4, 3)] {
        let output = moving(&format!("wander 400 200 {seed}"), cores, tori);
        assert_eq!(output.stdout, "400 moves\n");
    }
}

#[test]
fn what_moves_is_counted() {
    let program = Exec::new(programs::rust("migrate")).args(["wander", "60", "400", "5"]);
    let output = program.smp(2).tori(2).stats().run();
    assert_eq!(output.status, 0, "{output:?}");
    let sum = |name| {
        (0..2)
            .map(|torus| counter(&output, torus, name))
            .sum::<u64>()
    };
    let [pulled, prefetched, wasted] =
        ["pages_pulled", "pages_prefetched", "pages_wasted"].map(sum);
    assert!(
        0 < wasted && wasted < prefetched && prefetched < pulled,
        "{output:?}"
    );
    assert_eq!(
        [0, 1].map(|torus| counter(&output, torus, "residual")),
        [0, 0]
    );
}

#[test]
fn a_storm_of_moves_forks_and_kills() {
    for (cores, tori, seed) in [(2, 2, 1), (4, 3, 2), (4, 4, 3)] {
        let output = moving(&format!("storm 4 100 {seed}"), cores, tori);
        assert_eq!(output.stdout, "4 processes, 100 moves each\n");
    }
}

/// Every process moves 500 times, and checks its own pattern all the time.
#[test]
fn a_storm_of_ten_thousand_moves() {
    let output = moving("storm 20 500 5", 8, 4);
    assert_eq!(output.stdout, "20 processes, 500 moves each\n");
}

#[test]
fn children_are_moved_while_they_work_and_wait() {
    assert_eq!(moving("push 20", 4, 2).stdout, "pushed\n");
}

#[test]
fn children_are_sent_on_from_wherever_they_are() {
    for (cores, tori) in [(2, 2), (4, 4)] {
        let lines = "nobody's child: ESRCH\none that has ended: ESRCH\n100 rounds\n";
        assert_eq!(moving("shepherd 100", cores, tori).stdout, lines);
    }
}

#[test]
fn memory_that_is_elsewhere_is_moved_by_mremap() {
    assert_eq!(moving("grow 1", 4, 2).stdout, "grown\n");
}

#[test]
fn another_program_takes_over_at_another_torus() {
    assert_eq!(moving("exec 1", 4, 2).stdout, "torus 1\n");
}

#[test]
fn wrong_requests_are_refused() {
    let lines = [
        "a torus that there is not: EINVAL",
        "a negative torus: EINVAL",
        "unknown flags: EINVAL",
        "nobody: ESRCH",
        "itself, where it is: 0",
    ];
    assert_eq!(
        moving("errors", 4, 2).stdout.lines().collect::<Vec<_>>(),
        lines
    );
}

/// A process moves to a torus that has less memory left than the process needs.
fn crowded(left: u32, way: &str) -> String {
    let program = Exec::new(programs::rust("crowded")).args([&left.to_string(), way]);
    let output = program.smp(2).tori(2).mem(128).run();
    assert_eq!(output.status, 0, "{output:?}");
    let (outcome, others) = output.stdout.split_once('\n').expect("lines");
    let expected = "the one that has the memory: Ok(0)\nanother: Ok(0)\nit again: Ok(0)\nI: 0\n";
    assert_eq!(others, expected, "{output:?}");
    outcome.to_owned()
}

#[test]
fn memory_of_the_target_is_exhausted() {
    for left in [600, 1000, 3000] {
        let outcome = crowded(left, "touch");
        let fine = ["it was refused", "it was killed"].contains(&outcome.as_str());
        assert!(fine, "{left} pages: {outcome}");
    }
    assert_eq!(crowded(1000, "back"), "it went on");
}

/// Interrupts between tori for 1,000 pages that are touched in order after a move, or come by themselves.
#[test]
fn pages_come_with_few_interrupts() {
    for order in ["sequential", "rest"] {
        let output = Exec::new(programs::rust("travel"))
            .args(["10000", order])
            .smp(2)
            .tori(2)
            .counted()
            .run();
        let line = output
            .stdout
            .lines()
            .find(|line| line.starts_with("until all have come"));
        let words: Vec<&str> = line.unwrap_or_default().split(' ').collect();
        let doorbells = words
            .iter()
            .rev()
            .nth(1)
            .and_then(|word| word.parse::<u32>().ok());
        assert!(
            doorbells.is_some_and(|doorbells| doorbells <= 80),
            "{output:?}"
        );
    }
}

/// A torus is drained again and again while processes there and elsewhere want to go there.
#[test]
fn processes_that_are_refused_go_on_as_if_nothing_had_been() {
    for (cores, tori) in [(2, 2), (8, 4)] {
        let program = Exec::new(programs::rust("refused")).args(["6", "20"]);
        let output = program.smp(cores).tori(tori).run();
        assert_eq!(output.stdout, "6 families, 20 rounds\n", "{output:?}");
    }
}
