//! Boot volumes that are no good, and loaders that answer too little: one clear message each, and a status of its own.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use braid::archive::{Archive, Data, Entry, PAGE};
use braid::build::Kernel;
use braid::exec::{Parts, parts};
use braid::install::Consent;
use braid::menu;
use braid::progress::Voice;

/// QEMU's exit status when the loader writes 0x12 to the debug port.
const REFUSED: i32 = 0x12 << 1 | 1;
const TIMEOUT: Duration = Duration::from_secs(60);

/// What the loader says about this volume (`None`: there is none), each line on COM1.
fn said(parts: &Parts, volume: Option<&[u8]>) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    let mut command = Command::new(&parts.qemu.path);
    command.args([
        "-nodefaults",
        "-display",
        "none",
        "-no-reboot",
        "-m",
        "128M",
    ]);
    command.args(["-accel", "tcg", "-cpu", "max", "-smp", "2"]);
    command.args(["-device", "isa-debug-exit,iobase=0xf4,iosize=1"]);
    command
        .arg("-serial")
        .arg(format!("file:{}", log.display()));
    command.arg("-kernel").arg(&parts.boot.loader);
    if let Some(bytes) = volume {
        let initrd = directory.path().join("boot.cpio");
        fs::write(&initrd, bytes).unwrap();
        command.arg("-initrd").arg(initrd);
    }
    let mut machine = command.stdin(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    let status = loop {
        match machine.try_wait().unwrap() {
            Some(status) => break status,
            None if start.elapsed() > TIMEOUT => {
                machine.kill().unwrap();
                machine.wait().unwrap();
                panic!("the loader hangs: {}", fs::read_to_string(&log).unwrap());
            }
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let log = fs::read_to_string(&log).unwrap();
    assert_eq!(status.code(), Some(REFUSED), "{log}");
    log.lines().map(str::to_owned).collect()
}

/// An archive of these files.
fn volume(files: &[(&str, &[u8])]) -> Vec<u8> {
    let entry = |&(path, bytes): &(&str, &[u8])| Entry::file(path, Data::Bytes(bytes.to_vec()));
    let archive = Archive::new(files.iter().map(entry).collect(), PAGE).unwrap();
    let mut bytes = Vec::new();
    archive.write_to(&mut bytes).unwrap();
    bytes
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap()
}

#[test]
fn bad_volumes_are_refused_with_one_message() {
    let parts = parts(Kernel::Ordinary, Consent::new(false), Voice::Normal).unwrap();
    let kernel = read(&parts.boot.kernel);
    let config = read(&parts.root.join("limine.cfg"));
    let boot = |kernel: &[u8]| volume(&[("limine.cfg", &config), ("boot/braid-kernel", kernel)]);
    let whole = boot(&kernel);
    let mut wrong_machine = kernel.clone();
    wrong_machine[18] = 0xb7;
    let long = format!("/x\n    cmdline: {}\n", "x".repeat(300 << 10));

    let cases: [(Option<Vec<u8>>, &str); 11] = [
        (None, "no boot archive"),
        (
            Some(vec![0x5a; 9000]),
            "corrupt: no newc header at offset 0x0",
        ),
        (Some(whole[..whole.len() / 2].to_vec()), "truncated"),
        (
            Some(volume(&[("boot/braid-kernel", &kernel)])),
            "no file `/limine.cfg`",
        ),
        (
            Some(volume(&[("limine.cfg", b"/Braid\nnonsense\n")])),
            "limine.cfg line 2",
        ),
        (
            Some(volume(&[("limine.cfg", long.as_bytes())])),
            "the limit is",
        ),
        (
            Some(volume(&[("limine.cfg", &config)])),
            "no file `/boot/braid-kernel`",
        ),
        (Some(boot(b"#!/bin/sh\n")), "not a whole ELF file"),
        (
            Some(boot(&kernel[..kernel.len() / 2])),
            "not a whole ELF file",
        ),
        (Some(boot(&wrong_machine)), "not for x86-64"),
        (Some(whole), "no file `/boot/root.cpio`"),
    ];
    for (bytes, message) in cases {
        let lines = said(&parts, bytes.as_deref());
        let [line] = &lines[..] else {
            panic!("not one line for {message:?}: {lines:?}");
        };
        assert!(
            line.starts_with("braid-loader: error: ") && line.contains(message),
            "{line}"
        );
    }
}

/// The kernel with another identifier where this request has its own: the loader will not answer it.
fn without(kernel: &[u8], request: [u64; 2]) -> Vec<u8> {
    let id = request.map(u64::to_le_bytes).concat();
    let at = kernel.windows(id.len()).position(|bytes| bytes == id);
    let mut changed = kernel.to_vec();
    changed[at.expect("the kernel makes the request")] ^= 1;
    changed
}

#[test]
fn a_kernel_without_an_answer_says_which_one_is_missing() {
    let parts = parts(Kernel::Ordinary, Consent::new(false), Voice::Normal).unwrap();
    let kernel = read(&parts.boot.kernel);
    let config = fs::read_to_string(parts.root.join("limine.cfg")).unwrap();
    let config = menu::with_line(&config, "debug-exit=0xf4").into_bytes();
    let root = volume(&[]);
    // Identifiers as the Limine boot protocol gives them, without the common part.
    let requests = [
        ("HHDM", [0x48dc_f1cb_8ad2_b852, 0x6398_4e95_9a98_244b]),
        ("MP", [0x95a6_7b81_9a1b_857e, 0xa0b6_1b72_3b6a_73e0]),
        ("memory map", [0x67cf_3d9d_378a_806f, 0xe304_acdf_c50c_3c62]),
        (
            "executable address",
            [0x71ba_7686_3cc5_5f63, 0xb264_4a48_c516_a487],
        ),
    ];
    for (name, request) in requests {
        let bytes = volume(&[
            ("limine.cfg", &config),
            ("boot/braid-kernel", &without(&kernel, request)),
            ("boot/root.cpio", &root),
        ]);
        let log = said(&parts, Some(&bytes));
        let message = format!("does not answer the {name} request");
        assert!(log.iter().any(|line| line.contains(&message)), "{log:?}");
    }
}
