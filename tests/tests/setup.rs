//! Set-up on hosts that lack something, played with package managers and compilers of our own.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use braid::install;
use braid_tests::booted::{programs, tool};

/// A script at `directory/name`.
fn script(directory: &Path, name: &str, text: &str) {
    let path = directory.join(name);
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// What `braid exec WORDS busybox` says with nothing but `directory` in `PATH`.
fn said(directory: &Path, variables: &[(&str, &Path)], words: &[&str]) -> String {
    let busybox = programs::busybox().to_str().unwrap();
    let words = ["exec"].iter().chain(words).chain([&busybox]).copied();
    let mut command = tool::braid(words);
    command.env("PATH", directory).env_remove("BRAID_QEMU");
    command.envs(variables.iter().copied());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(125));
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn qemu_is_installed_when_it_is_missing() {
    if !rustix::process::geteuid().is_root()
        || Path::new("/usr/local/bin/qemu-system-x86_64").exists()
    {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    for name in ["sh", "chmod"] {
        symlink(install::find(name).unwrap(), directory.path().join(name)).unwrap();
    }
    let qemu = directory.path().join("qemu-system-x86_64");
    let install = format!(
        "[ $1 = install ] || exit 0\nprintf '#!/bin/sh\\necho version 5.0\\n' >{0}\nchmod +x {0}",
        qemu.display()
    );
    script(directory.path(), "apt-get", &install);
    let said = said(directory.path(), &[], &[]);
    assert!(
        said.contains("installing it with: apt-get update"),
        "{said}"
    );
    assert!(
        said.contains("is QEMU 5.0: version 6.2 or later is needed"),
        "{said}"
    );
}

#[test]
fn an_installation_that_fails_is_told() {
    if !rustix::process::geteuid().is_root()
        || Path::new("/usr/local/bin/qemu-system-x86_64").exists()
    {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    symlink(install::find("sh").unwrap(), directory.path().join("sh")).unwrap();
    script(directory.path(), "apt-get", "echo no network >&2; exit 100");
    let said = said(directory.path(), &[], &[]);
    assert!(
        said.contains("could not be installed") && said.contains("no network"),
        "{said}"
    );
}

#[test]
fn rust_targets_that_are_missing_are_named() {
    let directory = tempfile::tempdir().unwrap();
    script(directory.path(), "rustc", "echo /no/such/sysroot");
    script(directory.path(), "rustup", "exit 0");
    let qemu = install::find("qemu-system-x86_64").unwrap();
    let rustc = directory.path().join("rustc");
    let variables = [("BRAID_QEMU", qemu.as_path()), ("RUSTC", rustc.as_path())];
    let said = said(directory.path(), &variables, &["--no-install"]);
    assert!(
        said.contains("rustup target add x86_64-unknown-none"),
        "{said}"
    );
}
