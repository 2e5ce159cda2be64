//! The core: the crates in which `unsafe` belongs, and how large they are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result};

use crate::layers::Package;
use crate::sources::{ModulePath, Modules};
use crate::{count, imports, sources};

/// The crates of the core. The driver of disks is unsafe too, and no part of it: it only carries pages for swap.
pub const CORE: &[&str] = &["sync", "machine", "tori", "mem", "ipc", "sched"];

/// Crates of pure logic, of which the core has the modules that it uses, and those that these use.
pub const LOGIC: &[&str] = &["vm", "torus"];

/// The most lines that the core may have.
pub const MOST: usize = 18_000;

/// What the core has of a crate.
#[derive(Debug)]
pub struct Part {
    /// The crate.
    pub name: &'static str,
    /// Its modules that belong to the core.
    pub modules: BTreeSet<ModulePath>,
    /// Their lines of code.
    pub lines: usize,
}

/// The parts of the core.
///
/// # Errors
/// A crate is missing, or is no Rust.
pub fn parts(packages: &BTreeMap<String, Package>) -> Result<Vec<Part>> {
    let read = |name| sources::read(&packages.get(name).context(name)?.root);
    let mut users: Vec<Modules> = Vec::new();
    let mut parts = Vec::new();
    for &name in CORE {
        let modules = read(name)?;
        parts.push(part(name, &modules, modules.keys().cloned().collect())?);
        users.push(modules);
    }
    // Those that are further up use those below them.
    for &name in LOGIC.iter().rev() {
        let modules = read(name)?;
        let named = users
            .iter()
            .flat_map(|user| imports::across(user, name, &modules));
        let used = reachable(&modules, named.collect());
        parts.push(part(name, &modules, used.clone())?);
        users.push(
            modules
                .into_iter()
                .filter(|(path, _)| used.contains(path))
                .collect(),
        );
    }
    Ok(parts)
}

/// The modules of a crate that these need, by whatever way.
fn reachable(modules: &Modules, mut found: BTreeSet<ModulePath>) -> BTreeSet<ModulePath> {
    let edges = imports::edges(modules);
    let mut left: Vec<ModulePath> = found.iter().cloned().collect();
    while let Some(from) = left.pop() {
        for (_, to) in edges.iter().filter(|edge| edge.0 == from) {
            if found.insert(to.clone()) {
                left.push(to.clone());
            }
        }
    }
    found
}

fn part(name: &'static str, modules: &Modules, used: BTreeSet<ModulePath>) -> Result<Part> {
    let mut lines = 0;
    for path in &used {
        lines += count::lines(&fs::read_to_string(&modules[path].file)?)?;
    }
    Ok(Part {
        name,
        modules: used,
        lines,
    })
}
