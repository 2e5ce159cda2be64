//! Ordinary static programs, in Rust for musl and in C for glibc: same output and status as on the host.

use std::fs;
use std::path::Path;

use braid_tests::booted::{Exec, programs};

/// Runs all kinds of work that the Rust and the C program share.
fn shared_work(program: &Path) {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("file"), "some text\n".repeat(20_000)).unwrap();
    let run = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        Exec::new(program)
            .args(words)
            .directory(directory.path())
            .same_as_host()
    };
    let output = run(&["allocate", "100"]);
    assert!(output.stdout.starts_with("100 MiB"), "{output:?}");
    run(&["read", "file"]);
    run(&["read", "missing"]);
    assert_eq!(run(&["exit", "77"]).status, 77);
    assert_eq!(run(&["null"]).status, 139);
    assert_eq!(run(&["divide"]).status, 136);
}

#[test]
fn rust_programs() {
    shared_work(programs::rust("work"));
}

#[test]
fn c_programs() {
    let directory = tempfile::tempdir().unwrap();
    let program = programs::c("work", &[], directory.path());
    shared_work(&program);
    assert_eq!(
        Exec::new(&program).args(["abort"]).same_as_host().status,
        134
    );
    Exec::new(&program).args(["else"]).same_as_host();
}

#[test]
fn a_rust_program_that_panics() {
    let output = Exec::new(programs::rust("work")).args(["panic"]).run();
    let host = Exec::new(programs::rust("work")).args(["panic"]).host();
    assert_eq!(output.status, host.status);
    assert!(output.stderr.contains("as asked"), "{}", output.stderr);
}

#[test]
fn a_stack_that_overflows() {
    Exec::new(programs::rust("work"))
        .args(["overflow"])
        .same_as_host();
}

#[test]
fn arguments_and_environment() {
    Exec::new(programs::rust("hello"))
        .args(["3", "", "two words", "100%", "grüß=dich"])
        .env("GREETING=hello there")
        .same_as_host();
}
