//! Bad input: one clear message, a status of its own, and nothing left behind.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use braid_tests::booted::{programs, tool};

/// The tool's own failures.
const FAILURE: i32 = 125;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `braid WORDS..` has to fail with `status` and a message that holds `message`.
fn fails<'a>(words: impl IntoIterator<Item = &'a str>, status: i32, message: &str) -> Output {
    let output = tool::braid(words).output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{said}");
    assert!(said.contains(message), "{message:?} in {said}");
    assert!(!said.contains("panicked"), "{said}");
    output
}

/// A file with these bytes.
fn file(directory: &Path, name: &str, bytes: &[u8]) -> String {
    let path = directory.join(name);
    fs::write(&path, bytes).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn files_that_are_no_program() {
    let directory = tempfile::tempdir().unwrap();
    let busybox = fs::read(programs::busybox()).unwrap();
    let patched = |at: usize, byte: u8| {
        let mut bytes = busybox.clone();
        bytes[at] = byte;
        bytes
    };
    let cases = [
        (b"just text".to_vec(), "not an ELF"),
        (Vec::new(), "not an ELF"),
        (b"#!/bin/sh\necho".to_vec(), "is a script"),
        (patched(4, 1), "32-bit"),
        (patched(18, 183), "AArch64"),
        (busybox[..busybox.len() / 2].to_vec(), "truncated"),
        (busybox[..50].to_vec(), "truncated"),
    ];
    for (bytes, message) in cases {
        let path = file(directory.path(), "program", &bytes);
        fails(["exec", &path], FAILURE, message);
    }
    fails(["exec", "/no/such/program"], FAILURE, "no such program");
    fails(["exec", "/"], FAILURE, "not a file");
    fails(["exec"], FAILURE, "PROGRAM");
}

#[test]
fn dynamic_programs_are_told_apart() {
    let dynamic = std::env::current_exe().unwrap();
    let output = fails(
        ["exec", dynamic.to_str().unwrap()],
        FAILURE,
        "only static programs",
    );
    assert!(
        text(&output.stderr).contains("ld-linux"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn options_that_make_no_machine() {
    let busybox = programs::busybox().to_str().unwrap();
    fails(
        ["exec", "--smp", "0", busybox],
        FAILURE,
        "a number from 1 to 255",
    );
    fails(["exec", "--smp", "many", busybox], FAILURE, "--smp");
    fails(
        ["exec", "--smp", "2", "--tori", "3", busybox],
        FAILURE,
        "more than --smp",
    );
    fails(
        ["exec", "--tori", "0", busybox],
        FAILURE,
        "at least one torus",
    );
    fails(["exec", "--mem", "8M", busybox], FAILURE, "too little");
    fails(["exec", "--mem", "lots", busybox], FAILURE, "--mem");
    fails(["exec", "--timeout", "-1", busybox], FAILURE, "--timeout");
    fails(["exec", "--env", "novalue", busybox], FAILURE, "NAME=VALUE");
    fails(
        ["exec", "--file", "onlyhost", busybox],
        FAILURE,
        "HOST:GUEST",
    );
    fails(
        ["exec", "--file", "/no/such:/x", busybox],
        FAILURE,
        "/no/such",
    );
    fails(
        ["exec", "--file", "/etc/hostname:/dev/x", busybox],
        FAILURE,
        "the kernel's",
    );
    fails(["exec", "--root", "/no/such", busybox], FAILURE, "--root");
    fails(
        ["exec", "--icount", "--accel", "kvm", busybox],
        FAILURE,
        "--icount",
    );
    fails(["exec", "--nonsense", busybox], FAILURE, "is no option");
    fails(["nonsense"], FAILURE, "braid exec");
    fails(["run", "nonsense"], FAILURE, "braid exec");
    fails(["--smp", "8", "exec", busybox], FAILURE, "after the verb");
    fails(["where", "nonsense"], FAILURE, "an address");
}

#[test]
fn too_little_memory_for_the_image() {
    let directory = tempfile::tempdir().unwrap();
    let large = directory.path().join("large");
    fs::File::create(&large)
        .unwrap()
        .set_len(100 << 20)
        .unwrap();
    let busybox = programs::busybox().to_str().unwrap();
    let pair = format!("{}:/large", large.display());
    fails(
        ["exec", "--mem", "64M", "--file", &pair, busybox, "true"],
        FAILURE,
        "too little",
    );
}

#[test]
fn a_qemu_that_will_not_do() {
    let directory = tempfile::tempdir().unwrap();
    let busybox = programs::busybox().to_str().unwrap();
    let with = |qemu: &str, words: &[&str]| {
        let words = ["exec"].iter().chain(words).chain([&busybox]).copied();
        let output = tool::braid(words).env("BRAID_QEMU", qemu).output().unwrap();
        (output.status.code(), text(&output.stderr))
    };
    let old = file(
        directory.path(),
        "old",
        b"#!/bin/sh\necho QEMU emulator version 5.1.0\n",
    );
    let (status, said) = with(&old, &[]);
    assert_eq!(status, Some(FAILURE));
    assert!(
        said.contains("5.1") && said.contains("6.2 or later"),
        "{said}"
    );
    let broken = file(directory.path(), "broken", b"#!/bin/sh\nexit 1\n");
    assert!(with(&broken, &[]).1.contains("6.2 or later"));
    assert!(with("/no/such/qemu", &[]).1.contains("/no/such/qemu"));
    let dying = b"#!/bin/sh\n[ \"$1\" = --version ] && echo version 9.0 && exit\necho it broke >&2\nexit 3\n";
    let dying = file(directory.path(), "dying", dying);
    let (status, said) = with(&dying, &["--accel", "tcg"]);
    assert_eq!(status, Some(FAILURE), "{said}");
    assert!(
        said.contains("it broke") && said.contains("status 3"),
        "{said}"
    );
}

#[test]
fn nothing_is_installed_against_the_users_will() {
    let busybox = programs::busybox().to_str().unwrap();
    let empty = tempfile::tempdir().unwrap();
    let link = |name: &str, to: &Path| {
        std::os::unix::fs::symlink(to, empty.path().join(name)).unwrap();
    };
    link("apt-get", Path::new("/bin/false"));
    let output = tool::braid(["exec", "--no-install", busybox])
        .env("PATH", empty.path())
        .env_remove("BRAID_QEMU")
        .output()
        .unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(FAILURE), "{said}");
    assert!(
        said.contains("is missing") && said.contains("apt-get"),
        "{said}"
    );
}
