//! Builds kernel, loader and programs with a nested cargo, in release mode.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::progress::Voice;

/// Variables that would change how kernel and programs are compiled: their flags are in `.cargo/config.toml`, which
/// `RUSTFLAGS` and its like would replace.
const UNWANTED: [&str; 9] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_TARGET_X86_64_UNKNOWN_NONE_RUSTFLAGS",
    "CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_RUSTFLAGS",
    "CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_LINKER",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO_MAKEFLAGS",
];

/// The target of programs.
pub const MUSL: &str = "x86_64-unknown-linux-musl";

/// Which kernel is built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kernel {
    /// The one that is for use.
    #[default]
    Ordinary,
    /// One that checks itself as it runs: freed frames, entries, owed flushes.
    Checked,
}

impl Kernel {
    /// What cargo is told besides. It is built beside the ordinary one, so that neither has to be built again for the other.
    const fn words(self) -> &'static [&'static str] {
        match self {
            Kernel::Ordinary => &[],
            Kernel::Checked => &[
                "--features",
                "braid-kernel/checked",
                "--target-dir",
                "target/checked",
            ],
        }
    }
}

/// Kernel and loader, built.
#[derive(Clone, Debug)]
pub struct Boot {
    /// The kernel's ELF, with its symbols.
    pub kernel: PathBuf,
    /// The loader's ELF.
    pub loader: PathBuf,
}

/// Builds kernel and loader.
///
/// # Errors
/// The compiler's messages.
pub fn boot(root: &Path, kernel: Kernel, voice: Voice) -> Result<Boot> {
    let mut words = vec![
        "--profile",
        "kernel",
        "--target",
        "x86_64-unknown-none",
        "-p",
        "braid-kernel",
        "-p",
        "braid-loader",
    ];
    words.extend(kernel.words());
    let mut built = cargo(root, &words, "building kernel and loader", voice)?;
    let mut take = |name: &str| {
        built
            .remove(name)
            .with_context(|| format!("cargo did not say where it put {name}"))
    };
    Ok(Boot {
        kernel: take("braid-kernel")?,
        loader: take("braid-loader")?,
    })
}

/// Builds the programs of the image (`braid-programs`), by name.
///
/// # Errors
/// The compiler's messages.
pub fn programs(root: &Path, voice: Voice) -> Result<BTreeMap<String, PathBuf>> {
    let words = [
        "--release",
        "--target",
        MUSL,
        "-p",
        "braid-programs",
        "--bins",
    ];
    cargo(root, &words, "building programs", voice)
}

/// Runs `cargo build WORDS` in `root`, and answers with the executables by name.
///
/// # Errors
/// The compiler's messages.
pub fn cargo(
    root: &Path,
    words: &[&str],
    title: &'static str,
    voice: Voice,
) -> Result<BTreeMap<String, PathBuf>> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args(["build", "--message-format", "json-render-diagnostics"])
        .args(words)
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for name in UNWANTED {
        command.env_remove(name);
    }
    let mut child = command.spawn().context("could not run cargo")?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (stdout, stderr) = stdout.zip(stderr).context("cargo has no output")?;
    let messages = std::thread::spawn(move || {
        let mut text = String::new();
        BufReader::new(stdout)
            .read_to_string(&mut text)
            .map(|_| text)
    });
    let mut step = voice.step(title);
    let mut said = String::new();
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        let text = line.trim();
        if text.starts_with("Compiling") || text.starts_with("Downloading") {
            step.detail(text);
        }
        said.push_str(&line);
        said.push('\n');
    }
    let status = child.wait()?;
    drop(step);
    let messages = messages
        .join()
        .ok()
        .context("cargo's messages were lost")??;
    if !status.success() {
        bail!("{title} failed:\n{}", said.trim_end());
    }
    Ok(executables(&messages))
}

/// The executables and plug-ins (`cdylib`) among cargo's JSON messages.
fn executables(messages: &str) -> BTreeMap<String, PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|message| {
            let library = || {
                let kinds = message.pointer("/target/kind")?.as_array()?;
                let is_plugin = kinds.iter().any(|kind| kind == "cdylib");
                message.pointer("/filenames/0").filter(|_| is_plugin)
            };
            let executable = message.get("executable").filter(|path| path.is_string());
            let path = executable.or_else(library)?.as_str()?;
            let name = message.pointer("/target/name")?.as_str()?;
            Some((name.to_owned(), PathBuf::from(path)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::executables;

    #[test]
    fn executables_are_found_among_messages() {
        let text = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"log"},"executable":null}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"init"},"executable":"/t/init"}"#,
            "\n",
            r#"{"target":{"name":"p","kind":["cdylib"]},"filenames":["/t/libp.so"],"executable":null}"#,
            "\nnot json\n"
        );
        let found = executables(text);
        assert_eq!(found.len(), 2);
        assert_eq!(found["p"].to_str(), Some("/t/libp.so"));
        assert_eq!(found["init"].to_str(), Some("/t/init"));
    }
}
