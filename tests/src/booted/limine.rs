//! Real Limine, for tests that need it.

use std::path::PathBuf;

/// The directory of Limine's binaries that `LIMINE_DIR` names; without it, `None`, and a remark that `what` is not tested.
#[must_use]
pub fn limine(what: &str) -> Option<PathBuf> {
    let directory = std::env::var_os("LIMINE_DIR").filter(|value| !value.is_empty());
    if directory.is_none() {
        eprintln!("LIMINE_DIR is not set: not tested with real Limine: {what}");
    }
    directory.map(PathBuf::from)
}
