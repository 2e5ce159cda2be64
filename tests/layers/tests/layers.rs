//! The layers as they are, and that the tool sees what it should see.

use std::fs;
use std::path::Path;

use braid_layers::{circle, core, count, imports, layers, sources};

fn project() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The circles of a crate whose root module is `root`: how many files each has, and its imports.
fn circles(root: &Path) -> Vec<(usize, Vec<String>)> {
    let modules = sources::read(root).unwrap();
    let edges = imports::edges(&modules);
    let show = |path: &[String]| format!("crate::{}", path.join("::"));
    circle::circles(&edges)
        .iter()
        .map(|circle| {
            let imports = circle.imports.iter();
            let imports = imports.map(|(from, to)| format!("{} imports {}", show(from), show(to)));
            (circle.members.len(), imports.collect())
        })
        .collect()
}

#[test]
fn crates_import_downward() {
    let packages = layers::packages(project()).unwrap();
    assert_eq!(layers::upward(&packages), Vec::<String>::new());
}

#[test]
fn circles_are_small() {
    let packages = layers::packages(project()).unwrap();
    for layer in layers::LAYERS {
        for (files, imports) in circles(&packages[layer.name].root) {
            let (name, imports) = (layer.name, imports.join("\n"));
            assert!(
                files <= layer.circle,
                "{name}: a circle of {files} files:\n{imports}"
            );
        }
    }
}

#[test]
fn the_core_is_small() {
    let packages = layers::packages(project()).unwrap();
    let parts = core::parts(&packages).unwrap();
    let lines: usize = parts.iter().map(|part| part.lines).sum();
    assert!(lines < core::MOST, "{lines} lines: {parts:?}");
}

/// A crate of these files.
fn sample(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    directory
}

#[test]
fn a_circle_is_seen_through_imports_re_exports_and_macros() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c;"),
        ("a.rs", "use crate::b::Two; fn one() -> Two { Two }"),
        ("b/mod.rs", "mod two; pub use two::Two;"),
        (
            "b/two.rs",
            "use crate::c; pub struct Two; fn f() { c::three(); }",
        ),
        (
            "c.rs",
            "pub fn three() { println!(\"{}\", crate::a::one()); }",
        ),
    ];
    let directory = sample(&files);
    let found = circles(&directory.path().join("lib.rs"));
    let imports = [
        "crate::a imports crate::b::two",
        "crate::b::two imports crate::c",
        "crate::c imports crate::a",
    ];
    assert_eq!(found, [(3, imports.map(str::to_owned).to_vec())]);
}

#[test]
fn what_a_crate_uses_of_another_is_found_where_it_is_defined() {
    let below = [
        ("lib.rs", "pub mod a; pub mod b; mod c; pub use c::Three;"),
        ("a.rs", "pub struct One;"),
        ("b.rs", "pub struct Two;"),
        ("c.rs", "pub struct Three;"),
    ];
    let above = [(
        "lib.rs",
        "use below::{Three, a::One}; fn f(_: One, _: Three, _: other::b::Two) {}",
    )];
    let (below, above) = (sample(&below), sample(&above));
    let read = |directory: &tempfile::TempDir| sources::read(&directory.path().join("lib.rs"));
    let (below, above) = (read(&below).unwrap(), read(&above).unwrap());
    let used = imports::across(&above, "below", &below);
    assert_eq!(used.into_iter().collect::<Vec<_>>(), [["a"], ["c"]]);
}

#[test]
fn tests_and_comments_make_no_circle() {
    let tests = "#[cfg(test)] mod tests { use crate::a::one; fn f() { one(); } }";
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use super::b::Two; fn one() -> Two { Two }"),
        (
            "b.rs",
            &format!("/// As [`crate::a::one`].\npub struct Two; {tests}"),
        ),
    ];
    let directory = sample(&files);
    assert_eq!(circles(&directory.path().join("lib.rs")), []);
}

#[test]
fn upward_imports_are_named() {
    let mut packages = layers::packages(project()).unwrap();
    let vm = packages.get_mut("vm").unwrap();
    vm.dependencies.push("torus".to_owned());
    let wrong = layers::upward(&packages);
    assert_eq!(wrong, ["vm imports torus, which is not below it"]);
}

#[test]
fn lines_of_code() {
    let text = "//! What it is.\n\n/// A thing.\n#[derive(Debug)]\npub struct Thing {\n    // Why.\n    one: u32, // This one.\n}\n\nconst TEXT: &str = \"a\n b\";\n";
    assert_eq!(count::lines(text).unwrap(), 6);
}
