//! The tool itself, as a user runs it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use braid::build;
use braid::progress::Voice;

use super::boot::parts;

/// The executable `braid`, built as the tests are.
///
/// # Panics
/// It does not compile.
#[must_use]
pub fn path() -> &'static Path {
    static TOOL: OnceLock<PathBuf> = OnceLock::new();
    TOOL.get_or_init(|| {
        let mut words = vec!["-p", "braid", "--bin", "braid"];
        if !cfg!(debug_assertions) {
            words.push("--release");
        }
        let mut built = build::cargo(&parts().root, &words, "building the tool", Voice::Normal)
            .unwrap_or_else(|error| panic!("{error:#}"));
        built.remove("braid").expect("cargo builds braid")
    })
}

/// `braid WORDS..` without input, its outputs kept.
#[must_use]
pub fn braid<'a>(words: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(path());
    command
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Children of the process `parent`, by number.
#[must_use]
pub fn children(parent: u32) -> Vec<i32> {
    let text = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
    text.unwrap_or_default()
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect()
}

/// Whether a process is alive (a zombie is not).
#[must_use]
pub fn is_alive(process: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let state = stat
        .rsplit(") ")
        .next()
        .and_then(|rest| rest.chars().next());
    state.is_some_and(|state| state != 'Z')
}
