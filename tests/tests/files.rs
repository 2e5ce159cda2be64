//! The file calls: our programs say the same on Braid as on the host.

use braid_tests::booted::{Exec, programs};

#[test]
fn calls_answer_as_on_linux() {
    let output = Exec::new(programs::rust("files")).same_as_host();
    assert_eq!(output.status, 0, "{output:?}");
}

#[test]
fn locks_keep_others_out() {
    for cores in [1, 4] {
        let program = Exec::new(programs::rust("locks")).smp(cores).tori(1);
        let output = program.same_as_host();
        assert_eq!(output.status, 0, "{output:?}");
    }
}

#[test]
fn locks_keep_others_out_on_other_tori() {
    for (parent, children) in [("0", "1"), ("1", "0"), ("1", "1"), ("1", "2")] {
        let program = Exec::new(programs::rust("locks")).args([parent, children]);
        let output = program.smp(3).tori(3).same_as_host();
        assert_eq!(output.status, 0, "{output:?}");
    }
}

#[test]
fn appends_overwrite_nothing() {
    for (cores, tori) in [(4, 1), (4, 2), (1, 1)] {
        let program = Exec::new(programs::rust("appends")).smp(cores).tori(tori);
        let output = program.same_as_host();
        assert_eq!(output.status, 0, "{output:?}");
    }
}

#[test]
fn wild_pointers_through_every_call() {
    let output = Exec::new(programs::rust("pointers"))
        .args(["really"])
        .stdin("")
        .run();
    assert_eq!(output.status, 42, "{output:?}");
}

#[test]
fn a_full_tmp_is_an_error_and_no_more() {
    let script = "dd if=/dev/zero of=/tmp/x bs=1M count=100 2>/dev/null; echo $?; rm /tmp/x; echo text > /tmp/x; cat /tmp/x";
    let output = Exec::sh(script).mem(128).run();
    assert_eq!(
        (output.status, output.stdout.as_str()),
        (0, "1\ntext\n"),
        "{output:?}"
    );
}

#[test]
fn tmp_begins_with_what_was_put_there() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "put there\n").unwrap();
    let output = Exec::sh("cat /tmp/a/b; echo more >> /tmp/a/b; cat /tmp/a/b")
        .file(&file, "/tmp/a/b")
        .run();
    assert_eq!(output.stdout, "put there\nput there\nmore\n", "{output:?}");
}
