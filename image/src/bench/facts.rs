//! What a figure needs to be understood later: where, with what, and of which state of the sources it was taken.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::machine::{Engine, MIB};
use crate::setup::Qemu;

/// Facts that all figures of a run share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// How instructions were executed: `tcg`, `kvm` or `tcg-icount`.
    pub accelerator: &'static str,
    /// QEMU's version.
    pub qemu: String,
    /// The host's processor.
    pub cpu: String,
    /// The host's processors.
    pub host_cores: usize,
    /// The guest's processor, as QEMU's option.
    pub guest_cpu: &'static str,
    /// The commit of the sources, `-dirty` when they were changed since.
    pub commit: String,
    /// The guest's memory, in mebibytes.
    pub memory: u64,
    /// The tool's command line.
    pub command: String,
}

impl Facts {
    /// Gathers them.
    #[must_use]
    pub fn gather(root: &Path, qemu: &Qemu, engine: Engine, memory: u64) -> Facts {
        let words: Vec<String> = std::env::args().skip(1).collect();
        Facts {
            accelerator: accelerator(engine),
            qemu: qemu.release.clone(),
            cpu: model(&std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default()),
            host_cores: std::thread::available_parallelism().map_or(1, usize::from),
            guest_cpu: crate::qemu::cpu(engine),
            commit: commit(root),
            memory: memory / MIB,
            command: format!("braid {}", words.join(" ")),
        }
    }

    /// The unit of figures.
    #[must_use]
    pub fn unit(&self) -> &'static str {
        if self.accelerator == accelerator(Engine::Counted) {
            "instructions"
        } else {
            "ns"
        }
    }
}

const fn accelerator(engine: Engine) -> &'static str {
    match engine {
        Engine::Tcg => "tcg",
        Engine::Kvm => "kvm",
        Engine::Counted => "tcg-icount",
    }
}

fn model(cpuinfo: &str) -> String {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"));
    let name = line.and_then(|line| line.split_once(':'));
    name.map_or("unknown", |(_, name)| name.trim()).to_owned()
}

fn commit(root: &Path) -> String {
    let git = |words: &[&str]| {
        let output = Command::new("git")
            .arg("-C")
            .arg(root)
            .args(words)
            .stderr(Stdio::null())
            .output()
            .ok()?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        output.status.success().then_some(text)
    };
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else {
        return "unknown".to_owned();
    };
    match git(&["status", "--porcelain", "--untracked-files=no"]) {
        Some(changes) if changes.is_empty() => commit,
        _ => format!("{commit}-dirty"),
    }
}

#[cfg(test)]
mod tests {
    use super::model;

    #[test]
    fn the_processors_name_is_read() {
        let text = "processor\t: 0\nmodel name\t: A Processor: 3 GHz\nflags\t: x\n";
        assert_eq!(model(text), "A Processor: 3 GHz");
        assert_eq!(model(""), "unknown");
    }
}
