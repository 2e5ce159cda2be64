//! Address space layout randomization: programs lie elsewhere each time, in bounds, unless they are asked not to.

use std::collections::BTreeSet;

use braid_tests::booted::{Exec, Output, cases, programs};

const TIMES: usize = 6;

/// Stack, mapping, end of the heap and program, as a program said it.
type Places = [u64; 4];

fn places(output: &Output) -> Vec<Places> {
    assert_eq!(output.status, 0, "{output:?}");
    let line = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!(words[4..], ["1", "1"], "hints are taken: {line}");
        let number = |word: &str| u64::from_str_radix(word.trim_start_matches("0x"), 16).unwrap();
        [0, 1, 2, 3].map(|index| number(words[index]))
    };
    output.stdout.lines().map(line).collect()
}

fn run(exec: Exec) -> Vec<Places> {
    let places = places(&exec.args([TIMES.to_string()]).smp(2).tori(1).run());
    assert_eq!(places.len(), 2 * TIMES);
    places
}

fn distinct(places: &[Places], index: usize) -> usize {
    places
        .iter()
        .map(|at| at[index])
        .collect::<BTreeSet<_>>()
        .len()
}

#[test]
fn programs_lie_elsewhere_each_time() {
    let all = run(cases::exec("layout"));
    let (random, fixed) = all.split_at(TIMES);
    for index in 0..3 {
        // 13 bits at the least: six of a kind are no accident.
        assert!(distinct(random, index) > 3, "{random:x?}");
        assert_eq!(distinct(fixed, index), 1, "{fixed:x?}");
    }
    let [stack, mapping, heap, program] = fixed[0];
    for at in random {
        assert_eq!(at[3], program, "an executable of fixed address stays");
        assert!((stack - (16 << 30)..=stack).contains(&at[0]), "{at:x?}");
        assert!(
            (mapping - (17 << 30) - (1 << 40)..=mapping).contains(&at[1]),
            "{at:x?}"
        );
        assert!((heap..=heap + (32 << 20)).contains(&at[2]), "{at:x?}");
        assert!(at[1] + (256 << 20) < at[0], "{at:x?}");
    }
}

#[test]
fn or_always_in_the_same_place() {
    for exec in [
        cases::exec("layout").words("norandmaps"),
        cases::exec("layout").counted(),
    ] {
        let all = run(exec);
        assert!((0..4).all(|index| distinct(&all, index) == 1), "{all:x?}");
    }
}

#[test]
fn programs_of_no_fixed_address() {
    let script = "for i in 1 2 3 4 5 6; do /bin/place; done";
    let run = |words: &str| {
        let exec = Exec::sh(script).file(programs::rust("place"), "/bin/place");
        let output = exec.smp(2).tori(1).words(words).run();
        let number = |line: &str| u64::from_str_radix(&line[2..], 16).unwrap();
        output.stdout.lines().map(number).collect::<Vec<u64>>()
    };
    let (random, fixed) = (run(""), run("norandmaps"));
    assert_eq!((random.len(), fixed.len()), (6, 6));
    assert!(fixed.iter().all(|at| *at == fixed[0]), "{fixed:x?}");
    let all: BTreeSet<u64> = random.iter().copied().collect();
    assert!(all.len() > 3, "{random:x?}");
    assert!(
        all.iter()
            .all(|at| (fixed[0]..=fixed[0] + (1 << 40)).contains(at)),
        "{random:x?}"
    );
}
