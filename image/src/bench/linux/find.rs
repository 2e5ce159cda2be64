//! Where a Linux kernel comes from: the host's own, or its distribution's package, unpacked but not installed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::Kernel;
use crate::install::{self, Consent};
use crate::progress::Voice;

/// Packages that depend on a kernel for virtual machines: Debian's and Ubuntu's.
const PACKAGES: [&str; 2] = ["linux-image-cloud-amd64", "linux-image-virtual"];
/// What to do when there is no other way.
const ADVICE: &str = "name a Linux kernel with --linux VMLINUZ, or go without with --linux none";

/// Finds a kernel in `/boot` or under `target/`, or fetches one.
///
/// # Errors
/// There is none, and none may or can be fetched; the message tells what to do.
pub fn find(root: &Path, consent: Consent, voice: Voice) -> Result<Kernel> {
    let cache = root.join("target/linux");
    let own = [PathBuf::from("/boot"), cache.join("boot")];
    if let Some(kernel) = own.iter().find_map(|directory| newest(directory)) {
        return Ok(kernel);
    }
    fetch(&cache, consent, voice)?;
    newest(&cache.join("boot"))
        .with_context(|| format!("the package of Linux holds no kernel: {ADVICE}"))
}

/// The bzImage of the highest version in a directory.
fn newest(directory: &Path) -> Option<Kernel> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(directory)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with("vmlinuz-"))
        })
        .collect();
    found.sort_by_key(|path| version(path));
    found.iter().rev().find_map(|path| Kernel::check(path).ok())
}

/// The numbers in a file's name: `vmlinuz-6.10.1` comes after `vmlinuz-6.9.12`.
fn version(path: &Path) -> Vec<u64> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.split(|c: char| !c.is_ascii_digit())
        .filter_map(|number| number.parse().ok())
        .collect()
}

/// Downloads the package and unpacks it into `cache`.
fn fetch(cache: &Path, consent: Consent, voice: Voice) -> Result<()> {
    if install::find("apt-get").is_none() || install::find("dpkg-deb").is_none() {
        bail!("no Linux kernel to compare with is in /boot, and apt-get is not here: {ADVICE}");
    }
    let shown = format!(
        "apt-get download {}, unpacked in {}",
        PACKAGES[0],
        cache.display()
    );
    if consent == Consent::Refuse {
        bail!("no Linux kernel to compare with is in /boot; get one with: {shown}; or {ADVICE}");
    }
    voice.say(&format!(
        "no Linux kernel is in /boot; fetching one with: {shown}"
    ));
    let package = match package() {
        Some(package) => package,
        None => {
            update(voice)?;
            package().with_context(|| format!("apt knows no package of Linux: {ADVICE}"))?
        }
    };
    if cache.exists() {
        // An interrupted attempt has left these.
        std::fs::remove_dir_all(cache)?;
    }
    std::fs::create_dir_all(cache)?;
    let mut step = voice.step("fetching Linux");
    step.detail(&package);
    run(Command::new("apt-get")
        .args(["download", "-qq", &package])
        .current_dir(cache))?;
    let unpacked = cache.join("unpacked");
    for archive in archives(cache) {
        run(Command::new("dpkg-deb")
            .arg("-x")
            .arg(&archive)
            .arg(&unpacked))?;
        std::fs::remove_file(archive)?;
    }
    std::fs::rename(unpacked.join("boot"), cache.join("boot"))
        .with_context(|| format!("the package of Linux has no boot directory: {ADVICE}"))?;
    Ok(std::fs::remove_dir_all(unpacked)?)
}

fn archives(cache: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(cache).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths
        .filter(|path| path.extension().is_some_and(|end| end == "deb"))
        .collect()
}

/// The package that holds the kernel itself: the one that the first known package of [`PACKAGES`] depends on.
fn package() -> Option<String> {
    let depends = |package: &&str| {
        let output = Command::new("apt-cache")
            .args(["depends", package])
            .stderr(Stdio::null())
            .output()
            .ok()?;
        dependency(&String::from_utf8_lossy(&output.stdout))
    };
    PACKAGES.iter().find_map(depends)
}

/// The kernel's package among the lines of `apt-cache depends`.
fn dependency(text: &str) -> Option<String> {
    let packages = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Depends: "));
    let mut images = packages.filter(|package| package.starts_with("linux-image-"));
    images.next().map(str::to_owned)
}

/// Fetches the lists of packages.
fn update(voice: Voice) -> Result<()> {
    let words: &[&str] = if rustix::process::geteuid().is_root() {
        &["apt-get", "update", "-qq"]
    } else {
        &["sudo", "apt-get", "update", "-qq"]
    };
    voice.say(&format!(
        "the lists of packages are missing; fetching them with: {}",
        words.join(" ")
    ));
    run(Command::new(words[0]).args(&words[1..]))
}

fn run(command: &mut Command) -> Result<()> {
    let shown = format!("{command:?}").replace('"', "");
    let output = command
        .output()
        .with_context(|| format!("could not run {shown}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{shown} failed: {}\n{ADVICE}", said.trim_end());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_kernel_is_taken() {
        let directory = tempfile::tempdir().unwrap();
        let mut image = vec![0; 0x1000];
        image[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
        image[0x202..0x206].copy_from_slice(b"HdrS");
        for name in ["vmlinuz-6.9.12", "vmlinuz-6.10.1-amd64", "vmlinuz-5.99"] {
            std::fs::write(directory.path().join(name), &image).unwrap();
        }
        std::fs::write(directory.path().join("vmlinuz-7.0"), b"broken").unwrap();
        std::fs::write(directory.path().join("config-8.0"), &image).unwrap();
        let found = newest(directory.path()).unwrap();
        assert_eq!(found.path.file_name().unwrap(), "vmlinuz-6.10.1-amd64");
        assert_eq!(newest(Path::new("/no/such/directory")), None);
    }

    #[test]
    fn the_kernels_package_is_read() {
        let text = "linux-image-cloud-amd64\n  Depends: linux-image-6.1.0-56-cloud-amd64\n    x\n";
        assert_eq!(
            dependency(text).as_deref(),
            Some("linux-image-6.1.0-56-cloud-amd64")
        );
        assert_eq!(dependency("linux-image-virtual\n  Recommends: x\n"), None);
    }
}
