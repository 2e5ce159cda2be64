//! The source files of a crate: its modules, what each one defines, and what it names.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::names::{self, Names};

/// The path of a module from its crate's root, which is empty.
pub type ModulePath = Vec<String>;

/// A module that is a file.
#[derive(Debug)]
pub struct Module {
    /// Its file.
    pub file: PathBuf,
    /// What it defines and names.
    pub names: Names,
}

/// A crate's modules by their paths.
pub type Modules = BTreeMap<ModulePath, Module>;

/// Reads the crate whose root module is `root`, and all modules that it declares in files of their own. Modules for tests alone are left out.
///
/// # Errors
/// A file is missing, or is no Rust.
pub fn read(root: &Path) -> Result<Modules> {
    let mut modules = Modules::new();
    read_module(root, Vec::new(), &mut modules)?;
    Ok(modules)
}

fn read_module(file: &Path, path: ModulePath, modules: &mut Modules) -> Result<()> {
    let text =
        fs::read_to_string(file).with_context(|| format!("{} is not there", file.display()))?;
    let parsed = syn::parse_file(&text).with_context(|| file.display().to_string())?;
    let names = names::of(&parsed);
    let directory = directory_of(file, path.is_empty());
    for child in names.children.clone() {
        let mut below = path.clone();
        below.push(child.clone());
        let flat = directory.join(&child).with_extension("rs");
        let nested = directory.join(&child).join("mod.rs");
        read_module(if flat.exists() { &flat } else { &nested }, below, modules)?;
    }
    let file = file.to_owned();
    modules.insert(path, Module { file, names });
    Ok(())
}

/// Where the modules are that a file declares.
fn directory_of(file: &Path, is_root: bool) -> PathBuf {
    let parent = file.parent().unwrap_or(Path::new("."));
    match file.file_stem() {
        Some(stem) if !is_root && stem != "mod" => parent.join(stem),
        _ => parent.to_owned(),
    }
}
