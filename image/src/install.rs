//! Programs of the host that come from the system's package manager.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::progress::Voice;

/// Whether missing programs may be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Install what is missing, saying so.
    Install,
    /// Print the command instead, and fail.
    Refuse,
}

impl Consent {
    /// From `--no-install` and the environment variable `BRAID_NO_INSTALL` (any value but empty and `0`).
    #[must_use]
    pub fn new(no_install: bool) -> Consent {
        let refused =
            std::env::var_os("BRAID_NO_INSTALL").is_some_and(|v| !v.is_empty() && v != "0");
        if no_install || refused {
            Consent::Refuse
        } else {
            Consent::Install
        }
    }
}

/// A program, and the package that holds it under each package manager.
#[derive(Debug)]
pub struct Wanted {
    /// Name of the executable.
    pub program: &'static str,
    /// Package names: apt, dnf, pacman, zypper, apk.
    pub packages: [&'static str; 5],
}

/// The machine emulator.
pub const QEMU: Wanted = Wanted {
    program: "qemu-system-x86_64",
    packages: [
        "qemu-system-x86",
        "qemu-system-x86",
        "qemu-system-x86",
        "qemu-x86",
        "qemu-system-x86_64",
    ],
};

/// UEFI for emulated machines: no program, but files that [`crate::firmware`] knows.
pub const OVMF: Wanted = Wanted {
    program: "OVMF",
    packages: ["ovmf", "edk2-ovmf", "edk2-ovmf", "qemu-ovmf-x86_64", "ovmf"],
};

/// The static busybox that the tests run.
pub const BUSYBOX: Wanted = Wanted {
    program: "busybox",
    packages: [
        "busybox-static",
        "busybox",
        "busybox",
        "busybox-static",
        "busybox-static",
    ],
};

/// Managers in the order of [`Wanted::packages`], each with its shell command before the package name.
const MANAGERS: [(&str, &str); 5] = [
    (
        "apt-get",
        "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -o DPkg::Lock::Timeout=120 -y -qq --no-install-recommends",
    ),
    ("dnf", "dnf install -y -q"),
    ("pacman", "pacman -S --noconfirm"),
    ("zypper", "zypper --non-interactive install"),
    ("apk", "apk add --quiet"),
];

/// Finds an executable in `PATH` and the directories of administrators.
#[must_use]
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/bin"].map(PathBuf::from))
        .map(|directory| directory.join(program))
        .find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok() && file.is_file()
}

/// The shell command that installs `wanted` here; `None` without a known package manager.
#[must_use]
pub fn command(wanted: &Wanted) -> Option<String> {
    let (index, (_, prefix)) = MANAGERS
        .iter()
        .enumerate()
        .find(|(_, (name, _))| find(name).is_some())?;
    Some(format!("{prefix} {}", wanted.packages[index]))
}

/// Finds `wanted`, or installs it.
///
/// # Errors
/// It is missing and may not or cannot be installed; the message names the command.
pub fn find_or_install(wanted: &Wanted, consent: Consent, voice: Voice) -> Result<PathBuf> {
    if let Some(path) = find(wanted.program) {
        return Ok(path);
    }
    install(wanted, consent, voice)?;
    find(wanted.program)
        .with_context(|| format!("{} is still missing after its installation", wanted.program))
}

/// Installs the package that holds `wanted`.
///
/// # Errors
/// As [`find_or_install`].
pub fn install(wanted: &Wanted, consent: Consent, voice: Voice) -> Result<()> {
    let program = wanted.program;
    let Some(command) = command(wanted) else {
        bail!("{program} is missing, and no known package manager is here: install it by hand");
    };
    let is_root = rustix::process::geteuid().is_root();
    let shown = if is_root {
        command.clone()
    } else {
        format!("sudo sh -c '{command}'")
    };
    if consent == Consent::Refuse {
        bail!("{program} is missing; install it with: {shown}");
    }
    voice.say(&format!(
        "{program} is missing; installing it with: {shown}"
    ));
    let mut run = Command::new(if is_root { "sh" } else { "sudo" });
    if !is_root {
        run.arg("sh");
    }
    let output = run
        .args(["-c", &command])
        .stdin(if is_root {
            Stdio::null()
        } else {
            Stdio::inherit()
        })
        .output()
        .with_context(|| format!("could not run: {shown}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{program} could not be installed with: {shown}\n{}",
            said.trim_end()
        );
    }
    Ok(())
}
