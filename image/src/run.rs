//! `braid run`: the demonstration.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::exec::Parts;
use crate::machine::Machine;
use crate::progress::Voice;
use crate::tree::Tree;

/// The program that shows the machine.
const INIT: &str = "init";

/// Builds the programs of the image, and boots a machine that runs the demonstration.
///
/// # Errors
/// As `exec::boot`.
pub fn run(parts: &Parts, mut machine: Machine, voice: Voice) -> Result<u8> {
    let tree = tree(&parts.root, voice)?;
    machine.init = PathBuf::from(format!("/bin/{INIT}"));
    machine.arguments = vec![OsString::from(INIT)];
    machine.every_torus = true;
    crate::exec::boot(parts, &machine, tree, voice)
}

/// Builds the programs of the image and puts them into a tree.
///
/// # Errors
/// They do not compile.
pub fn tree(root: &Path, voice: Voice) -> Result<Tree> {
    let programs = crate::build::programs(root, voice)?;
    programs.get(INIT).context("the programs hold no init")?;
    let mut tree = Tree::default();
    for (name, path) in &programs {
        tree.add_file(path, format!("/bin/{name}").as_bytes())?;
    }
    Ok(tree)
}
