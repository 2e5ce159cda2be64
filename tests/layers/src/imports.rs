//! Which file of a crate imports which: names resolved through imports and re-exports to the files that define them.

use std::collections::BTreeSet;

use crate::names::Words;
use crate::sources::{Module, ModulePath, Modules};

/// Re-exports that lead from one to the next, before a name counts as not found.
const DEPTH: usize = 16;

/// Pairs of modules: the first one names something of the second one.
#[must_use]
pub fn edges(modules: &Modules) -> BTreeSet<(ModulePath, ModulePath)> {
    let mut edges = BTreeSet::new();
    for (from, module) in modules {
        // These alone say who may see something, not what is used.
        let visibility = |word: &&String| ["crate", "self", "super"].contains(&word.as_str());
        let words = module.names.words.iter().filter(|word| !visibility(word));
        let words = words.map(|word| vec![word.clone()]);
        for path in module.names.paths.iter().cloned().chain(words) {
            let to = Resolver(modules).written(from, &path, DEPTH);
            edges.extend(to.filter(|to| to != from).map(|to| (from.clone(), to)));
        }
    }
    edges
}

/// The modules of the crate `name` of which another crate names something.
#[must_use]
pub fn across(user: &Modules, name: &str, modules: &Modules) -> BTreeSet<ModulePath> {
    let mut found = BTreeSet::new();
    for Module { names, .. } in user.values() {
        let imports = names.imports.values().chain(&names.globs);
        for path in imports.chain(&names.paths) {
            if let Some((_, rest)) = path.split_first().filter(|(first, _)| *first == name) {
                found.extend(Resolver(modules).found(&Vec::new(), rest, DEPTH));
            }
        }
    }
    found
}

struct Resolver<'a>(&'a Modules);

impl Resolver<'_> {
    /// The module that defines what `words` mean in the module `at`.
    fn written(&self, at: &ModulePath, words: &[String], depth: usize) -> Option<ModulePath> {
        let (first, rest) = words.split_first()?;
        match first.as_str() {
            "crate" => self.found(&Vec::new(), rest, depth),
            "self" => self.found(at, rest, depth),
            "super" => {
                let (_, above) = at.split_last()?;
                match rest.first() {
                    Some(word) if word == "super" => self.written(&above.to_vec(), rest, depth),
                    _ => self.found(&above.to_vec(), rest, depth),
                }
            }
            _ => self.member(at, words, depth),
        }
    }

    /// The module that defines what `words` mean from the module `at` on.
    fn found(&self, at: &ModulePath, words: &[String], depth: usize) -> Option<ModulePath> {
        match words {
            [] => Some(at.clone()),
            words => self.member(at, words, depth).or_else(|| Some(at.clone())),
        }
    }

    /// As [`Self::found`]; None where the first word is nothing of the module.
    fn member(&self, at: &ModulePath, words: &[String], depth: usize) -> Option<ModulePath> {
        let depth = depth.checked_sub(1)?;
        let (first, rest) = words.split_first()?;
        let names = &self.0.get(at)?.names;
        let below: ModulePath = at.iter().chain([first]).cloned().collect();
        if self.0.contains_key(&below) {
            return self.found(&below, rest, depth);
        }
        if let Some(import) = names.imports.get(first) {
            let whole: Words = import.iter().chain(rest).cloned().collect();
            return self.written(at, &whole, depth);
        }
        if names.items.contains(first) {
            return Some(at.clone());
        }
        names.globs.iter().find_map(|glob| {
            let within = self.written(at, glob, depth)?;
            self.member(&within, words, depth)
        })
    }
}
