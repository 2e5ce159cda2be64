//! How `ps` and the log name processes.

use super::Pid;
use core::fmt;

/// A process's short name (prctl PR_GET_NAME), NUL-terminated.
#[derive(Clone, Copy, Debug, Default)]
pub struct Name(pub [u8; 16]);

impl Name {
    /// The name of a program that was started by this path.
    pub fn of_path(path: &[u8]) -> Self {
        let last = path.rsplit(|&b| b == b'/').next().unwrap_or(path);
        let mut name = [0; 16];
        let n = last.len().min(15);
        name[..n].copy_from_slice(&last[..n]);
        Self(name)
    }

    /// As text; `?` when it is not UTF-8.
    pub fn text(&self) -> &str {
        let end = self.0.iter().position(|&b| b == 0).unwrap_or(16);
        core::str::from_utf8(&self.0[..end]).unwrap_or("?")
    }
}

/// A process as the log names it.
#[derive(Clone, Copy, Debug)]
pub struct Label(pub(super) Name, pub(super) Pid);

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.0.text(), self.1.raw())
    }
}
