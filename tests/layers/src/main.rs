//! Prints each crate's lines of code and circles.

use std::path::Path;

use anyhow::{Context, Result};
use braid_layers::{circle, core, count, imports, layers, sources};

fn main() -> Result<()> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let packages = layers::packages(&directory)?;
    for layer in layers::LAYERS {
        let package = packages.get(layer.name).context(layer.name)?;
        let modules = sources::read(&package.root)?;
        let mut lines = 0;
        for module in modules.values() {
            lines += count::lines(&std::fs::read_to_string(&module.file)?)?;
        }
        println!("{}: {} files, {lines} lines", layer.name, modules.len());
        for circle in circle::circles(&imports::edges(&modules)) {
            println!("  a circle of {} files", circle.members.len());
            if std::env::args().any(|word| word == "-v") {
                for (from, to) in circle.imports {
                    println!("    {} -> {}", from.join("::"), to.join("::"));
                }
            }
        }
    }
    let parts = core::parts(&packages)?;
    let lines: usize = parts.iter().map(|part| part.lines).sum();
    println!("core: {lines} lines, {} at the most", core::MOST);
    for part in parts {
        let files = part.modules.len();
        println!("  {}: {files} files, {} lines", part.name, part.lines);
    }
    Ok(())
}
