//! What has to be on the host before a machine can be built and booted.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::install::{self, Consent};
use crate::progress::Voice;

/// The oldest QEMU that is accepted (the oldest in a supported Debian or Ubuntu).
pub const OLDEST_QEMU: (u32, u32) = (6, 2);

/// Rust targets of kernel and programs.
const TARGETS: [&str; 2] = ["x86_64-unknown-none", "x86_64-unknown-linux-musl"];

/// A QEMU that is there and new enough.
#[derive(Clone, Debug)]
pub struct Qemu {
    /// The executable.
    pub path: PathBuf,
    /// Major and minor version.
    pub version: (u32, u32),
    /// The version as it tells it: `7.2.22`.
    pub release: String,
}

/// Finds QEMU (`BRAID_QEMU` names another executable than the one in `PATH`), or installs it.
///
/// # Errors
/// Missing and not installable, not runnable, or too old.
pub fn qemu(consent: Consent, voice: Voice) -> Result<Qemu> {
    let path = match std::env::var_os("BRAID_QEMU") {
        Some(path) => PathBuf::from(path),
        None => install::find_or_install(&install::QEMU, consent, voice)?,
    };
    let output = Command::new(&path)
        .arg("--version")
        .output()
        .with_context(|| {
            format!(
                "could not run {} (BRAID_QEMU names another)",
                path.display()
            )
        })?;
    let text = String::from_utf8_lossy(&output.stdout);
    let (major, minor) = OLDEST_QEMU;
    let Some(version) = parse_version(&text) else {
        bail!(
            "{} does not tell its version: QEMU {major}.{minor} or later is needed",
            path.display()
        );
    };
    if version < OLDEST_QEMU {
        bail!(
            "{} is QEMU {}.{}: version {major}.{minor} or later is needed",
            path.display(),
            version.0,
            version.1
        );
    }
    Ok(Qemu {
        path,
        version,
        release: release(&text),
    })
}

/// The word after `version`.
fn release(text: &str) -> String {
    let word = text
        .split("version ")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next());
    word.unwrap_or_default().to_owned()
}

/// Reads `QEMU emulator version 7.2.22 (Debian ..)`.
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let word = text.split("version ").nth(1)?;
    let mut numbers = word.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Makes sure that Rust can compile for the kernel and the programs.
///
/// # Errors
/// A target is missing and may not or cannot be added; the message names the command.
pub fn rust_targets(root: &Path, consent: Consent, voice: Voice) -> Result<()> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(&rustc)
        .args(["--print", "sysroot"])
        .current_dir(root)
        .output()
        .context("could not run rustc")?;
    if !output.status.success() {
        bail!(
            "rustc does not work here:\n{}",
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim_end());
    let installed = |target: &&str| {
        sysroot
            .join("lib/rustlib")
            .join(target)
            .join("lib")
            .is_dir()
    };
    let missing: Vec<&str> = TARGETS
        .into_iter()
        .filter(|target| !installed(target))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    let command = format!("rustup target add {list}");
    if install::find("rustup").is_none() {
        bail!("Rust's target {list} is missing: install Rust with rustup, then: {command}");
    }
    if consent == Consent::Refuse {
        bail!("Rust's target {list} is missing; add it with: {command}");
    }
    voice.say(&format!(
        "Rust's target {list} is missing; adding it with: {command}"
    ));
    let output = Command::new("rustup")
        .args(["target", "add"])
        .args(&missing)
        .current_dir(root)
        .output()
        .with_context(|| format!("could not run: {command}"))?;
    if !output.status.success() {
        bail!(
            "{command} failed:\n{}",
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{parse_version, release};

    #[test]
    fn versions_are_read() {
        let debian = "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)\nCopyright";
        assert_eq!(parse_version(debian), Some((7, 2)));
        assert_eq!(release(debian), "7.2.22");
        assert_eq!(parse_version("QEMU emulator version 10.0\n"), Some((10, 0)));
        assert_eq!(parse_version("no such program"), None);
    }
}
