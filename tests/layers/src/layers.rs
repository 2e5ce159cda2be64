//! The order of the crates, and how large circles within each may be.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use toml::Table;

/// A crate of the order.
#[derive(Clone, Copy, Debug)]
pub struct Layer {
    /// Its name.
    pub name: &'static str,
    /// The most files that may need each other in a circle.
    pub circle: usize,
}

/// A circle of so many files can be understood as one thing.
const CIRCLE: usize = 8;

const fn layer(name: &'static str) -> Layer {
    Layer {
        name,
        circle: CIRCLE,
    }
}

/// The crates of the kernel from the lowest to the highest: each imports only crates before it.
pub const LAYERS: &[Layer] = &[
    layer("fallible"),
    layer("braid-time"),
    layer("vm"),
    layer("torus"),
    layer("sync"),
    layer("braid-threads"),
    layer("braid-signals"),
    layer("braid-firmware"),
    layer("braid-files"),
    layer("machine"),
    layer("tori"),
    layer("mem"),
    layer("disk"),
    layer("ipc"),
    layer("sched"),
    layer("travel"),
    layer("linux"),
    layer("braid-kernel"),
];

/// A crate of the workspace.
#[derive(Debug)]
pub struct Package {
    /// The file of its root module.
    pub root: PathBuf,
    /// The crates that it depends on.
    pub dependencies: Vec<String>,
}

/// The crates of the workspace in `directory`, by name.
///
/// # Errors
/// A manifest is missing, or is none.
pub fn packages(directory: &Path) -> Result<BTreeMap<String, Package>> {
    let workspace = manifest(directory)?;
    let members = workspace["workspace"]["members"]
        .as_array()
        .context("members")?;
    let mut packages = BTreeMap::new();
    for member in members.iter().filter_map(|member| member.as_str()) {
        let place = directory.join(member);
        let own = manifest(&place)?;
        let name = own["package"]["name"].as_str().context("name")?.to_owned();
        let dependencies = own.get("dependencies").and_then(|list| list.as_table());
        let dependencies = dependencies
            .into_iter()
            .flat_map(Table::keys)
            .cloned()
            .collect();
        let library = place.join("src/lib.rs");
        let root = if library.exists() {
            library
        } else {
            place.join("src/main.rs")
        };
        packages.insert(name, Package { root, dependencies });
    }
    Ok(packages)
}

fn manifest(directory: &Path) -> Result<Table> {
    let path = directory.join("Cargo.toml");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    text.parse().with_context(|| path.display().to_string())
}

/// Where a crate imports one that is not below it.
#[must_use]
pub fn upward(packages: &BTreeMap<String, Package>) -> Vec<String> {
    let place = |name: &str| LAYERS.iter().position(|layer| layer.name == name);
    let mut wrong = Vec::new();
    for (at, layer) in LAYERS.iter().enumerate() {
        let Some(package) = packages.get(layer.name) else {
            wrong.push(format!("there is no crate {}", layer.name));
            continue;
        };
        let above = package
            .dependencies
            .iter()
            .filter(|name| match place(name) {
                Some(other) => other >= at,
                None => packages.contains_key(*name),
            });
        wrong.extend(
            above.map(|name| format!("{} imports {name}, which is not below it", layer.name)),
        );
    }
    wrong
}
