//! Files used from other tori than their own: `/tmp` and the console are on torus 0.

use braid_tests::booted::{Exec, Output, cases, programs};
use std::fs;

/// Runs one script on every torus; the process of torus 0 has number 1.
fn everywhere(main: &str, others: &str) -> Exec {
    Exec::sh(&format!("if [ $$ = 1 ]; then {main}\nelse {others}\nfi")).every_torus()
}

/// Runs a script on torus 1 alone, and compares with the host. It has status 0.
fn elsewhere(script: &str) -> Output {
    let script = format!("[ $$ = 1 ] && exit\n{script}\nexit 0");
    Exec::sh(&script).every_torus().same_as_host()
}

/// Runs one of our programs on torus 1, and compares with the host.
fn program_elsewhere(name: &str) -> Output {
    let directory = tempfile::tempdir().unwrap();
    fs::copy(programs::rust(name), directory.path().join("program")).unwrap();
    Exec::sh("[ $$ = 1 ] && exit\n./program 2>&1\nexit 0")
        .directory(directory.path())
        .every_torus()
        .same_as_host()
}

#[test]
fn tmp_is_one_for_all() {
    let output = everywhere(
        "until [ -e /tmp/d/go ]; do sleep 0.01; done; cat /tmp/d/text; ls /tmp/d; wc -c < /tmp/d/link",
        "cd /tmp; mkdir d; cd d; pwd; echo written elsewhere > text; ln -s text link; cat text; : > go",
    )
    .run();
    assert_eq!(
        output.stdout, "/tmp/d\nwritten elsewhere\nwritten elsewhere\ngo\nlink\ntext\n18\n",
        "{output:?}"
    );
}

#[test]
fn calls_answer_as_on_linux() {
    program_elsewhere("files");
}

#[test]
fn shell_and_its_files() {
    elsewhere(
        "d=$(mktemp -d /tmp/far.XXXXXX) && cd $d || exit
        seq 1 20000 > numbers; sort -rn numbers | head -3; wc -c < numbers; md5sum numbers
        mkdir -p a/b; mv numbers a/b; ln -s a/b way; ls -R | sort; tail -2 way/numbers
        (cd way; pwd -P | sed s,$d,,; cd ../b; ls; cd -P ..; ls)
        cat way/../b/numbers /dev/null | tail -1; cp /proc/self/comm copy; cat copy
        echo x >> copy; cat < copy; rm -r a copy; ls -a; rmdir /dev /tmp/nothing 2>&1; cd /; rm -r $d; ls $d 2>/dev/null || echo gone",
    );
}

#[test]
fn programs_in_tmp() {
    elsewhere(
        "d=$(mktemp -d /tmp/far.XXXXXX) && cd $d || exit
        cat /proc/self/exe > busybox; chmod +x busybox; ./busybox echo run; ln busybox ls; ./ls /nothing 2>&1
        echo \"#!$d/busybox sh\" > script; echo 'echo script $1; ./busybox seq 2' >> script; ./script 2>&1; chmod +x script; ./script one; $d/script two
        mv busybox gone; ./busybox 2>&1; exec 3< gone; rm gone; sh -c './ls -1 | wc -l' ; cd /; rm -r $d",
    );
}

#[test]
fn a_database_in_tmp() {
    let directory = tempfile::tempdir().unwrap();
    fs::copy(
        &programs::real("sqlite3")[0],
        directory.path().join("program"),
    )
    .unwrap();
    let script = "[ $$ = 1 ] && exit
        d=$(mktemp -d /tmp/far.XXXXXX) || exit
        ./program $d/base \"CREATE TABLE t(id INTEGER PRIMARY KEY, k, s);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
        INSERT INTO t SELECT i, (i * 7919) % 5003, hex(i) FROM n; SELECT count(*), sum(k) FROM t;\"
        ./program $d/base \"CREATE INDEX x ON t(k); DELETE FROM t WHERE k % 3 = 0; SELECT sum(id) FROM t; PRAGMA integrity_check;\"
        rm -r $d; exit 0";
    Exec::sh(script)
        .directory(directory.path())
        .every_torus()
        .same_as_host();
}

#[test]
fn pipes_and_standard_input_of_the_console() {
    let output = Exec::sh("[ $$ = 1 ] && exit; while read word; do echo \"<$word>\"; done; seq 1 3 | (sleep 0.1; cat; echo end >&2)")
        .stdin("one\ntwo\n")
        .every_torus()
        .run();
    assert_eq!(output.stdout, "<one>\n<two>\n1\n2\n3\n", "{output:?}");
    assert_eq!(output.stderr, "end\n", "{output:?}");
}

#[test]
fn files_of_processes_that_move() {
    Exec::new(programs::rust("moved")).same_as_host();
}

#[test]
fn a_full_tmp_is_an_error_elsewhere_too() {
    let script =
        "[ $$ = 1 ] && exit; dd if=/dev/zero of=/tmp/x bs=1M count=200 2>/dev/null; echo $?
        rm /tmp/x; echo text > /tmp/x; cat /tmp/x";
    let output = Exec::sh(script).every_torus().mem(192).run();
    assert_eq!(output.stdout, "1\ntext\n", "{output:?}");
}

#[test]
fn many_at_once() {
    let script = "n=0; while [ $n -lt 20 ]; do
        (d=$(mktemp -d /tmp/far.XXXXXX); cd $d; seq 1 3000 > a; sort -rn a | tail -1 > b; cat a b | wc -l; cd /; rm -r $d) &
        n=$((n + 1)); done; wait; ls /tmp | grep -c far";
    let output = Exec::sh(script).smp(4).tori(4).every_torus().run();
    let lines = output.stdout.lines().filter(|line| *line == "3001").count();
    assert_eq!(lines, 80, "{output:?}");
}

#[test]
fn what_calls_copy_between_tori() {
    cases::together_as_on_linux(&["copies", "carried"], |exec| exec.smp(2).tori(2));
}
