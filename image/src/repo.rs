//! Where the sources are: the tool builds the kernel from the checkout that it was built from.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// The root of the checkout.
///
/// The tool remembers where it was compiled; when the checkout has moved since, the current directory and its parents
/// are tried, and `BRAID_ROOT` overrides both.
///
/// # Errors
/// None of these places holds a checkout.
pub fn root() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("BRAID_ROOT") {
        let path = PathBuf::from(path);
        if is_root(&path) {
            return Ok(path);
        }
        bail!("BRAID_ROOT={} is not a checkout of Braid", path.display());
    }
    let compiled = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("/"));
    if is_root(compiled) {
        return Ok(compiled.to_path_buf());
    }
    let here = std::env::current_dir()?;
    match here.ancestors().find(|path| is_root(path)) {
        Some(path) => Ok(path.to_path_buf()),
        None => bail!(
            "the sources are no longer in {}: run braid inside a checkout, or set BRAID_ROOT",
            compiled.display()
        ),
    }
}

fn is_root(path: &Path) -> bool {
    ["limine.cfg", "kernel/Cargo.toml", "image/loader/Cargo.toml"]
        .iter()
        .all(|file| path.join(file).is_file())
}
