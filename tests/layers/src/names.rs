//! What a file defines, imports and names, without knowing what the names stand for.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Attribute, File, Item, ItemMod, ItemUse, Meta, UseTree};

/// Words of a path, as they are written: the first one may be `crate`, `self` or `super`.
pub type Words = Vec<String>;

/// The names in a file.
#[derive(Debug, Default)]
pub struct Names {
    /// Modules that it declares, which are files.
    pub children: Vec<String>,
    /// Items that it defines.
    pub items: BTreeSet<String>,
    /// What it imports, by the name that it has here.
    pub imports: BTreeMap<String, Words>,
    /// Modules of which it imports everything.
    pub globs: Vec<Words>,
    /// Paths of two words and more in its code.
    pub paths: BTreeSet<Words>,
    /// Single words in its code: imports that are used as they are.
    pub words: BTreeSet<String>,
}

/// The names of a file, those of its tests left out.
#[must_use]
pub fn of(file: &File) -> Names {
    let mut names = Names::default();
    for item in &file.items {
        names.define(item);
    }
    names.visit_file(file);
    names
}

impl Names {
    fn define(&mut self, item: &Item) {
        let name = match item {
            Item::Const(item) => &item.ident,
            Item::Enum(item) => &item.ident,
            Item::Fn(item) => &item.sig.ident,
            Item::Static(item) => &item.ident,
            Item::Struct(item) => &item.ident,
            Item::Trait(item) => &item.ident,
            Item::Type(item) => &item.ident,
            Item::Union(item) => &item.ident,
            _ => return,
        };
        self.items.insert(name.to_string());
    }

    fn import(&mut self, prefix: &Words, tree: &UseTree) {
        match tree {
            UseTree::Path(path) => {
                let mut prefix = prefix.clone();
                prefix.push(path.ident.to_string());
                self.import(&prefix, &path.tree);
            }
            UseTree::Name(name) if name.ident == "self" => self.add(prefix.clone(), None),
            UseTree::Name(name) => self.add(joined(prefix, &name.ident), None),
            UseTree::Rename(rename) if rename.ident == "self" => {
                self.add(prefix.clone(), Some(rename.rename.to_string()));
            }
            UseTree::Rename(rename) => {
                self.add(
                    joined(prefix, &rename.ident),
                    Some(rename.rename.to_string()),
                );
            }
            UseTree::Glob(_) => self.globs.push(prefix.clone()),
            UseTree::Group(group) => group
                .items
                .iter()
                .for_each(|tree| self.import(prefix, tree)),
        }
    }

    fn add(&mut self, words: Words, name: Option<String>) {
        if let Some(name) = name.or_else(|| words.last().cloned()) {
            self.imports.insert(name, words);
        }
    }

    /// Paths in tokens: of code, and of what is given to macros.
    fn scan(&mut self, tokens: TokenStream) {
        let mut path = Words::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(word) => {
                    if colons != 2 {
                        self.end(&mut path);
                    }
                    path.push(word.to_string());
                    colons = 0;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' && !path.is_empty() => colons += 1,
                TokenTree::Group(group) => {
                    self.end(&mut path);
                    self.scan(group.stream());
                }
                _ => self.end(&mut path),
            }
        }
        self.end(&mut path);
    }

    fn end(&mut self, path: &mut Words) {
        let path = std::mem::take(path);
        match path.as_slice() {
            [] => {}
            [word] => {
                self.words.insert(word.clone());
            }
            _ => {
                self.paths.insert(path);
            }
        }
    }
}

fn joined(prefix: &Words, word: &syn::Ident) -> Words {
    prefix.iter().cloned().chain([word.to_string()]).collect()
}

impl<'a> Visit<'a> for Names {
    fn visit_item(&mut self, item: &'a Item) {
        if is_of_tests(attributes(item)) {
            return;
        }
        // Within functions there are imports, too.
        visit::visit_item(self, item);
        if !matches!(item, Item::Use(_) | Item::Mod(_)) {
            self.scan(item.to_token_stream());
        }
    }

    fn visit_item_use(&mut self, item: &'a ItemUse) {
        self.import(&Words::new(), &item.tree);
    }

    fn visit_item_mod(&mut self, item: &'a ItemMod) {
        match &item.content {
            None => self.children.push(item.ident.to_string()),
            Some((_, items)) => items.iter().for_each(|item| self.visit_item(item)),
        }
    }
}

/// The attributes of an item that may be there for tests alone.
fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether an item is there for tests alone.
fn is_of_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) if attribute.path().is_ident("cfg") => list.tokens.to_string() == "test",
        Meta::Path(path) => path.is_ident("test"),
        _ => false,
    })
}
