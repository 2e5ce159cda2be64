//! A tree over an archive behaves as one into which the archive was unpacked.

use super::*;
use crate::archive::Tree as Archive;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use proptest::prelude::*;

/// Directories and files of the archive, with their modes.
const PATHS: [(&str, u32); 10] = [
    ("a", S_IFDIR | 0o755),
    ("a/b", S_IFDIR | 0o700),
    ("a/b/f", S_IFREG | 0o644),
    ("a/b/g", S_IFREG | 0o600),
    ("a/f", S_IFREG | 0o644),
    ("a/l", S_IFLNK | 0o777),
    ("b", S_IFDIR | 0o755),
    ("b/f", S_IFREG | 0o4755),
    ("b/g", S_IFDIR | 0o1777),
    ("f", S_IFREG | 0o644),
];

/// The archive as cpio has it.
fn bytes() -> Vec<u8> {
    let mut all = Vec::new();
    let mut entry = |path: &str, mode: u32, data: &str| {
        let mut header = String::from("070701");
        let sizes = [data.len(), 0, 0, 0, 0, path.len() + 1, 0];
        let fields = [1, mode as usize, 0, 0, 1, 7].into_iter().chain(sizes);
        for field in fields {
            header += &format!("{field:08x}");
        }
        all.extend_from_slice(header.as_bytes());
        for part in [path, "\0"] {
            all.extend_from_slice(part.as_bytes());
        }
        all.resize(all.len().next_multiple_of(4), 0);
        all.extend_from_slice(data.as_bytes());
        all.resize(all.len().next_multiple_of(4), 0);
    };
    for (path, mode) in PATHS {
        let data = if mode & S_IFMT == S_IFDIR { "" } else { "data" };
        entry(path, mode, data);
    }
    entry("TRAILER!!!", 0, "");
    all
}

fn over() -> (Tree, &'static Lower<u32, Spin>) {
    let archive = Archive::parse(bytes().leak(), &[]).unwrap();
    let archive: &'static Archive<'static> = Box::leak(Box::new(archive));
    let marks: &'static Marks = Box::leak(Box::new(Marks::new(archive.len()).unwrap()));
    let lower = Box::leak(Box::new(Lower::new(archive, marks, 2, |_| Ok(7))));
    (Tree::over(2, lower, 1000).unwrap(), lower)
}

fn plain() -> Tree {
    let tree = tree();
    for (path, mode) in PATHS {
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        let directory = find(&tree, directory).unwrap();
        let content = match mode & S_IFMT {
            S_IFDIR => Content::Directory,
            S_IFLNK => Content::Link(b"data".to_vec()),
            _ => Content::File(7),
        };
        let attributes = Attributes {
            mode,
            ..attributes()
        };
        let name = (&directory, name.as_bytes());
        tree.create(&ROOT_USER, name, attributes, content).unwrap();
    }
    tree
}

type Found = Result<Arc<Node<u32, Spin>>, FileError>;

/// The node at a path, raised.
fn find(tree: &Tree, path: &str) -> Found {
    let mut at = tree.root().clone();
    for name in path.split('/').filter(|name| !name.is_empty()) {
        at = tree.raised(at.child(name.as_bytes())?)?;
    }
    Ok(at)
}

/// The directory of a path, which may be new, and the name in it.
/// A directory, and a name in it.
type Place = (Arc<Node<u32, Spin>>, Vec<u8>);

fn place(tree: &Tree, path: &str) -> Result<Place, FileError> {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    Ok((find(tree, directory)?, name.as_bytes().to_vec()))
}

/// All paths with type, mode and number of names.
fn dump(tree: &Tree) -> BTreeMap<String, (u32, u32)> {
    let mut all = BTreeMap::new();
    let mut left = vec![(String::new(), tree.root().clone())];
    while let Some((path, at)) = left.pop() {
        all.insert(path.clone(), (at.attributes().mode, at.links()));
        let mut position = 0;
        while let Some(entry) = at.list(position).unwrap() {
            assert!(entry.next > position);
            position = entry.next;
            let node = tree.raised(entry.node).unwrap();
            let name = String::from_utf8(entry.name).unwrap();
            let below = format!("{path}/{name}");
            if node.is_directory() {
                assert_eq!(at.name_of(&node).unwrap(), name.as_bytes());
                assert!(Arc::ptr_eq(&node.parent().unwrap(), &at));
                left.push((below, node));
            } else {
                let mode = node.attributes().mode;
                assert!(all.insert(below, (mode, node.links())).is_none());
            }
        }
        assert_eq!(at.is_empty(), at.list(0).unwrap().is_none());
    }
    all
}

#[derive(Clone, Debug)]
enum Step {
    Create(String),
    MakeDirectory(String),
    Unlink(String),
    RemoveDirectory(String),
    Rename(String, String, bool),
    Link(String, String),
    Mode(String, u32),
}

fn path() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        Just("a"),
        Just("b"),
        Just("f"),
        Just("g"),
        Just("l"),
        Just("n")
    ];
    proptest::collection::vec(name, 1..4).prop_map(|names| names.join("/"))
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        path().prop_map(Step::Create),
        path().prop_map(Step::MakeDirectory),
        path().prop_map(Step::Unlink),
        path().prop_map(Step::RemoveDirectory),
        (path(), path(), any::<bool>()).prop_map(|(from, to, keep)| Step::Rename(from, to, keep)),
        (path(), path(), Just(false)).prop_map(|(from, to, keep)| Step::Rename(from, to, keep)),
        (path(), path()).prop_map(|(from, to)| Step::Link(from, to)),
        (path(), 0u32..0o10000).prop_map(|(path, mode)| Step::Mode(path, mode)),
    ]
}

fn apply(tree: &Tree, step: &Step) -> Result<(), FileError> {
    let who = &ROOT_USER;
    let now = at(9);
    match step {
        Step::Create(path) | Step::MakeDirectory(path) => {
            let (directory, name) = place(tree, path)?;
            let content = match step {
                Step::Create(_) => Content::File(1),
                _ => Content::Directory,
            };
            tree.create(who, (&directory, &name), attributes(), content)?;
        }
        Step::Unlink(path) => {
            let (directory, name) = place(tree, path)?;
            tree.unlink(who, (&directory, &name), now)?;
        }
        Step::RemoveDirectory(path) => {
            let (directory, name) = place(tree, path)?;
            tree.rmdir(who, (&directory, &name), now)?;
        }
        Step::Rename(from, to, keep) => {
            let (from, to) = (place(tree, from)?, place(tree, to)?);
            tree.rename(who, (&from.0, &from.1), (&to.0, &to.1), *keep, now)?;
        }
        Step::Link(from, to) => {
            let (node, to) = (find(tree, from)?, place(tree, to)?);
            tree.link(who, (&to.0, &to.1), &node, now)?;
        }
        Step::Mode(path, mode) => find(tree, path)?.change(|own| own.mode = *mode),
    }
    Ok(())
}

/// A node that is not marked is as the archive says: name, directory, names and mode.
fn check_marks(tree: &Tree, lower: &'static Lower<u32, Spin>) -> Result<(), TestCaseError> {
    for (path, _) in PATHS {
        let mut id = ROOT;
        let mut unmarked = true;
        for name in path.split('/') {
            unmarked &= !lower.marks.has(id);
            id = lower.tree.child(id, name.as_bytes()).unwrap();
        }
        if !unmarked {
            continue;
        }
        // Every directory on the way is unmarked, so that its names are the archive's.
        let node = find(tree, path);
        prop_assert!(node.is_ok(), "{} is missing", path);
        let node = node.unwrap();
        prop_assert_eq!(node.archive(), Some(id), "{}", path);
        if !lower.marks.has(id) {
            prop_assert_eq!(node.attributes().mode, lower.tree.node(id).mode);
            prop_assert_eq!(node.links(), lower.tree.node(id).links);
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_tree_over_an_archive_is_as_one_unpacked(steps in proptest::collection::vec(step(), 1..40)) {
        let ((over, lower), plain) = (over(), plain());
        for step in &steps {
            prop_assert_eq!(apply(&over, step), apply(&plain, step), "{:?}", step);
            check_marks(&over, lower)?;
        }
        let mut expected = dump(&plain);
        // The archive's own root counts one name more than a new tree's.
        let (seen, root) = (dump(&over), expected.get_mut("").unwrap());
        root.0 = seen[""].0;
        prop_assert_eq!(seen, expected);
        over.clear(at(1));
        prop_assert!(lower.take_raised().is_none());
    }
}

#[test]
fn nothing_is_made_for_those_who_may_not() {
    let (tree, lower) = over();
    let stranger = Identity {
        user: 1,
        group: 1,
        ..ROOT_USER
    };
    let directory = find(&tree, "a").unwrap();
    let refused = tree.unlink(&stranger, (&directory, b"f"), at(9));
    assert_eq!(refused, Err(FileError::Denied));
    let refused = tree.rmdir(&stranger, (&directory, b"b"), at(9));
    assert_eq!(refused, Err(FileError::Denied));
    let raised = core::iter::from_fn(|| lower.take_raised()).count();
    assert_eq!(raised, 2, "the root and the directory");
}
