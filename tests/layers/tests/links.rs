//! What the documents point at is there.

use std::fs;
use std::path::{Path, PathBuf};

use pulldown_cmark::{Event, Parser, Tag};

/// Directories that are not the project's text.
const LEFT_OUT: [&str; 2] = ["target", ".git"];

/// All Markdown files below a directory.
fn documents(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() && !LEFT_OUT.iter().any(|left_out| name == *left_out) {
            documents(&path, found);
        } else if path.extension().is_some_and(|end| end == "md") {
            found.push(path);
        }
    }
}

/// Where the links of a document lead that are files of the project.
fn links(text: &str) -> Vec<String> {
    let links = Parser::new(text).filter_map(|event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url),
        _ => None,
    });
    let paths = links.filter_map(|link| {
        let path = link.split('#').next().unwrap_or_default().to_owned();
        let outside = link.contains("://") || link.starts_with("mailto:") || path.is_empty();
        (!outside).then_some(path)
    });
    paths.collect()
}

#[test]
fn links_of_documents_lead_to_files() {
    let project = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let mut all = Vec::new();
    documents(project, &mut all);
    assert!(all.len() > 10, "{all:?}");
    let mut broken = Vec::new();
    for document in &all {
        let text = fs::read_to_string(document).unwrap();
        for link in links(&text) {
            if !document.parent().unwrap().join(&link).exists() {
                broken.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn a_link_is_told_from_what_looks_like_one() {
    let text = "[a](x.md#b), [c](https://d), `[e](f.md)`, [`G`], [h](#i)\n\n![j](k.png)\n";
    assert_eq!(links(text), ["x.md", "k.png"]);
}
