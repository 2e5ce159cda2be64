//! Debian's static busybox, unchanged: same output and status as on the host.

use std::fs;
use std::os::unix::fs::symlink;

use braid_tests::booted::{Exec, cases};

/// Files that are there on the host and in the machine.
fn files() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::create_dir_all(path("data/deep/none")).unwrap();
    fs::write(path("data/words"), "one two\nthree four\nfive\n").unwrap();
    fs::write(path("data/deep/more"), "three again\n").unwrap();
    fs::write(path("data/empty"), "").unwrap();
    let large: Vec<u8> = (0..300_000u32)
        .flat_map(|i| (i.wrapping_mul(i) >> 7).to_le_bytes())
        .collect();
    fs::write(path("data/large"), large).unwrap();
    symlink("deep/more", path("data/link")).unwrap();
    directory
}

#[test]
fn echo() {
    Exec::busybox(["echo", "hello,", "world", ""]).same_as_host();
}

#[test]
fn status_is_passed_on() {
    let output = Exec::sh("exit 42").same_as_host();
    assert_eq!(output.status, 42);
    assert_eq!(Exec::sh("kill -9 $$").same_as_host().status, 137);
    assert_eq!(Exec::sh("echo no >&2; false").same_as_host().status, 1);
}

#[test]
fn cat_from_files_and_input() {
    let files = files();
    Exec::busybox(["cat", "data/words", "data/link"])
        .directory(files.path())
        .same_as_host();
    Exec::busybox(["cat", "data/none"])
        .directory(files.path())
        .same_as_host();
    Exec::busybox(["cat"])
        .stdin("from the host\n")
        .same_as_host();
    Exec::busybox(["wc"])
        .stdin("a line\n".repeat(20_000))
        .same_as_host();
}

#[test]
fn many_readers_share_the_input() {
    cases::exec("readers")
        .smp(2)
        .stdin("x".repeat(200_000))
        .same_as_host();
}

#[test]
fn long_listings() {
    let files = files();
    let list = "ls -lRn data | sed -e 's/^total .*//' -e 's/^\\(d[^ ]*\\) *[0-9]* *[0-9]* *[0-9]* *[0-9]* /\\1 /' \
                | awk '/^-|^l/ { print $1, $5, $6, $7, $8, $9, $10, $11; next } { print $1 }'";
    Exec::sh(list).directory(files.path()).same_as_host();
    let root = Exec::busybox(["ls", "-lR", "/"])
        .directory(files.path())
        .run();
    // Descriptors of `ls` itself come and go while it lists them.
    let vanished = |line: &str| line.starts_with("ls: /proc/") && line.contains("/fd/");
    assert!(root.stderr.lines().all(vanished), "{}", root.stderr);
    assert!(root.stdout.contains("link -> deep/more"), "{}", root.stdout);
}

#[test]
fn sums_of_a_large_file() {
    let files = files();
    Exec::busybox(["sha256sum", "data/large"])
        .directory(files.path())
        .same_as_host();
    Exec::busybox(["md5sum", "data/words", "data/large"])
        .directory(files.path())
        .same_as_host();
}

#[test]
fn sorting_through_pipes() {
    let output = Exec::sh("seq 1 100000 | sort -n | tail -1").same_as_host();
    assert_eq!(output.stdout, "100000\n");
}

#[test]
fn shell_loops_variables_and_substitution() {
    Exec::sh(
        "x=1; for i in 1 2 3; do x=$((x * (i + 1))); done; echo $x; y=$(echo $x | tr 2 3); echo \"[$y]\"; \
         while read a b; do echo \"$b $a\"; done <<END\none two\nthree four\nEND\n\
         case $y in 3*) echo three;; *) echo other;; esac; f() { return 7; }; f; echo $?",
    )
    .same_as_host();
}

#[test]
fn background_jobs_and_wait() {
    Exec::sh("for i in 1 2 3; do (exit $i) & p=$!; wait $p; echo $?; done").same_as_host();
    Exec::sh("sleep 0.2 & sleep 0.1 & wait; echo both").same_as_host();
    Exec::sh("(sleep 100 & kill $!; wait $!; echo $?) 2>/dev/null").same_as_host();
}

#[test]
fn signals_in_the_shell() {
    Exec::sh("trap 'echo got' USR1; kill -USR1 $$; echo after").same_as_host();
    Exec::sh("trap 'echo bye' EXIT; (kill -TERM $$); sleep 5; echo never").same_as_host();
    Exec::sh("yes | head -1; echo ${PIPESTATUS:-none}").same_as_host();
}

#[test]
fn text_tools() {
    let files = files();
    let run = |script: &str| {
        Exec::sh(script).directory(files.path()).same_as_host();
    };
    run("awk '{ n += NF } END { print NR, n }' data/words");
    run("sed -n -e 's/three/3/p' data/words");
    run("grep -r three data | sort");
    run("grep -c e data/words; grep -q nothing data/words; echo $?");
    run("expr 6 \\* 7; expr abc : 'a\\(.*\\)'");
    run("cut -d' ' -f2 data/words | tr a-z A-Z | rev | uniq -c");
    run(
        "find data | sort; test -d data/deep/none && echo directory; cd data/deep && pwd | sed 's/.*data/data/'",
    );
}

#[test]
fn compressing_and_comparing() {
    let files = files();
    Exec::sh("gzip -c data/large | gunzip | cmp - data/large && echo same")
        .directory(files.path())
        .same_as_host();
}

#[test]
fn environment() {
    Exec::sh("env | grep -v -e PWD -e SHLVL -e _= | sort")
        .env("A=b c=d")
        .same_as_host();
}

#[test]
fn dates_and_names() {
    let output = Exec::busybox(["uname", "-a"]).run();
    assert!(output.stdout.contains("x86_64"), "{}", output.stdout);
    let clock = || {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.unwrap().as_secs().cast_signed()
    };
    let output = Exec::busybox(["date", "+%s"]).run();
    let seconds: i64 = output.stdout.trim().parse().unwrap();
    assert!(
        (clock() - seconds).abs() < 60,
        "{seconds}, the host has {}",
        clock()
    );
}
