//! Programs that tests run: busybox, our own in Rust, and C linked statically.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use braid::build;
use braid::elf_check;
use braid::install::{self, Consent};
use braid::progress::Voice;

use super::boot::parts;

/// A static busybox, installed from the system's packages when it is missing.
///
/// # Panics
/// It cannot be installed.
#[must_use]
pub fn busybox() -> &'static Path {
    static BUSYBOX: OnceLock<PathBuf> = OnceLock::new();
    BUSYBOX.get_or_init(|| {
        let is_static = |path: &PathBuf| elf_check::check(path).is_ok();
        if let Some(path) = install::find("busybox").filter(is_static) {
            return path;
        }
        let found = install::install(&install::BUSYBOX, Consent::new(false), Voice::Normal);
        found.unwrap_or_else(|error| panic!("{error:#}"));
        ["busybox", "busybox.static", "busybox-static"]
            .iter()
            .filter_map(|name| install::find(name))
            .find(is_static)
            .expect("the package holds a static busybox")
    })
}

/// A program of `tests/programs`, built with Rust's std for musl.
///
/// # Panics
/// It does not exist, or does not compile.
#[must_use]
pub fn rust(name: &str) -> &'static Path {
    static PROGRAMS: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    let programs = PROGRAMS.get_or_init(|| {
        let words = [
            "--release",
            "--target",
            build::MUSL,
            "-p",
            "braid-test-programs",
            "--bins",
        ];
        build::cargo(
            &parts().root,
            &words,
            "building test programs",
            Voice::Normal,
        )
        .unwrap_or_else(|error| panic!("{error:#}"))
    });
    programs
        .get(name)
        .unwrap_or_else(|| panic!("tests/programs has no {name}"))
}

/// The call fuzzer.
///
/// # Panics
/// It does not compile.
#[must_use]
pub fn fuzzer() -> &'static Path {
    static FUZZER: OnceLock<PathBuf> = OnceLock::new();
    FUZZER.get_or_init(|| {
        let words = ["--release", "--target", build::MUSL, "-p", "braid-fuzz"];
        let built = build::cargo(
            &parts().root,
            &words,
            "building the call fuzzer",
            Voice::Normal,
        );
        let found = built
            .unwrap_or_else(|error| panic!("{error:#}"))
            .into_values()
            .next();
        found.expect("cargo says where the fuzzer is")
    })
}

/// The static builds of `name` to test: the one of `tests/real`, linked against the host's C library, and the one in the
/// directory that `BRAID_PROGRAMS` names, if it is there.
///
/// # Panics
/// `tests/real` has no such program, or it does not compile.
#[must_use]
pub fn real(name: &str) -> Vec<PathBuf> {
    static PROGRAMS: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    let programs = PROGRAMS.get_or_init(|| {
        let words = [
            "--config",
            "tests/real/static.toml",
            "-p",
            "braid-real-programs",
            "--bins",
        ];
        build::cargo(
            &parts().root,
            &words,
            "building SQLite, Lua and Zstandard",
            Voice::Normal,
        )
        .unwrap_or_else(|error| panic!("{error:#}"))
    });
    let ours = programs
        .get(name)
        .unwrap_or_else(|| panic!("tests/real has no {name}"));
    let mut found = vec![ours.clone()];
    match std::env::var_os("BRAID_PROGRAMS") {
        None => eprintln!("BRAID_PROGRAMS is not set: no other {name} is tested"),
        Some(directory) => {
            let other = Path::new(&directory).join(name);
            match elf_check::check(&other) {
                Ok(_) => found.push(other),
                Err(error) => eprintln!("{}: {error}: not tested", other.display()),
            }
        }
    }
    found
}

/// A program of `tests/programs/c`, named by its path there without the ending, compiled with the host's `cc -static` and
/// more options into `directory`.
///
/// # Panics
/// There is no C compiler, or it fails.
#[must_use]
pub fn c(name: impl AsRef<Path>, options: &[&str], directory: &Path) -> PathBuf {
    let name = name.as_ref();
    let source = parts()
        .root
        .join("tests/programs/c")
        .join(name)
        .with_extension("c");
    let program = directory.join(name.file_name().expect("programs have names"));
    let status = Command::new("cc")
        .args(["-static", "-O1"])
        .args(options)
        .arg("-o")
        .args([&program, &source])
        .status()
        .expect("cc can be run");
    assert!(status.success(), "cc -static {}", source.display());
    program
}
