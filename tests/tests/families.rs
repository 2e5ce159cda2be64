//! Processes of several tori that signal each other, wait for each other and inherit from each other.

use braid_tests::booted::{Exec, programs};

/// What torus 0 sees of one other torus.
const SEEN: &str = "group true
session true
exists 0
thread exists 0
absent ESRCH
group of absent ESRCH
into my group ESRCH
ask one 0
told by true
ask its group 0
told by true of it
ask an absent group ESRCH";

fn expected(tori: u32) -> String {
    let mut text = "all have begun: true\n".to_owned();
    for torus in 1..tori {
        for line in SEEN.lines() {
            text += &format!("torus {torus}: {line}\n");
        }
    }
    text += "torus 0: ask everybody 0\ntold by all: true\n";
    text += &"an orphan from afar: true, status 7\n".repeat(tori as usize - 1);
    for torus in 1..tori {
        text += &format!("torus {torus}: kill its group 0\n");
    }
    text + "nobody is left\n"
}

fn on(cores: u32, tori: u32) {
    let program = Exec::new(programs::rust("families")).smp(cores).tori(tori);
    let output = program.every_torus().run();
    assert_eq!(output.stdout, expected(tori), "{}", output.log);
    assert_eq!(output.status, 0, "{output:?}");
}

#[test]
fn two_tori() {
    on(2, 2);
}

#[test]
fn four_tori_of_two_cores() {
    on(8, 4);
}

#[test]
fn relatives_that_move() {
    for (cores, tori) in [(2, 2), (4, 4)] {
        let program = Exec::new(programs::rust("relatives")).smp(cores).tori(tori);
        assert_eq!(program.same_as_host().status, 0);
    }
}
