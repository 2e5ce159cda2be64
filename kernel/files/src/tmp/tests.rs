use super::*;
use crate::credentials::{Groups, Identity};
use spin::relax::Spin;

mod overlay;

type Tree = Tmp<u32, Spin>;

const ROOT_USER: Identity = Identity {
    user: 0,
    group: 0,
    groups: Groups::NONE,
};

fn node(child: Child<u32, Spin>) -> Arc<Node<u32, Spin>> {
    match child {
        Child::Node(node) => node,
        Child::Archive(id) => panic!("{id:?} is not raised"),
    }
}

fn at(seconds: u64) -> Time {
    Time { seconds, nanos: 0 }
}

fn attributes() -> Attributes {
    Attributes {
        mode: 0o755,
        ..Attributes::default()
    }
}

fn tree() -> Tree {
    Tree::new(2, attributes(), 0).unwrap()
}

fn mkdir(tree: &Tree, parent: &Arc<Node<u32, Spin>>, name: &str) -> Arc<Node<u32, Spin>> {
    tree.create(
        &ROOT_USER,
        (parent, name.as_bytes()),
        attributes(),
        Content::Directory,
    )
    .unwrap()
}

fn file(tree: &Tree, parent: &Arc<Node<u32, Spin>>, name: &str) -> Arc<Node<u32, Spin>> {
    tree.create(
        &ROOT_USER,
        (parent, name.as_bytes()),
        attributes(),
        Content::File(7),
    )
    .unwrap()
}

#[test]
fn names_come_and_go() {
    let tree = tree();
    let root = tree.root().clone();
    let a = file(&tree, &root, "a");
    tree.link(&ROOT_USER, (&root, b"b"), &a, at(1)).unwrap();
    assert_eq!(a.links(), 2);
    tree.unlink(&ROOT_USER, (&root, b"a"), at(2)).unwrap();
    assert_eq!(root.child(b"a").err(), Some(FileError::NotFound));
    assert_eq!(node(root.child(b"b").unwrap()).number, a.number);
    tree.unlink(&ROOT_USER, (&root, b"b"), at(3)).unwrap();
    assert_eq!(a.links(), 0);
    assert_eq!(
        tree.link(&ROOT_USER, (&root, b"c"), &a, at(4)),
        Err(FileError::NotFound)
    );
    assert_eq!(root.attributes().mtime, at(3));
}

#[test]
fn a_file_shows_its_first_name_or_one_beside_it() {
    let tree = tree();
    let root = tree.root().clone();
    let other = mkdir(&tree, &root, "other");
    let a = file(&tree, &root, "a");
    let name = |of: &Arc<Node<u32, Spin>>| a.parent().map(|parent| parent.name_of(of));
    tree.link(&ROOT_USER, (&other, b"b"), &a, at(1)).unwrap();
    tree.unlink(&ROOT_USER, (&other, b"b"), at(2)).unwrap();
    assert_eq!(name(&a), Some(Ok(b"a".to_vec())));
    tree.link(&ROOT_USER, (&root, b"c"), &a, at(3)).unwrap();
    tree.unlink(&ROOT_USER, (&root, b"a"), at(4)).unwrap();
    assert_eq!(name(&a), Some(Ok(b"c".to_vec())));
}

#[test]
fn directories() {
    let tree = tree();
    let root = tree.root().clone();
    let d = mkdir(&tree, &root, "d");
    let e = mkdir(&tree, &d, "e");
    assert_eq!((root.links(), d.links()), (3, 3));
    assert_eq!(
        tree.rmdir(&ROOT_USER, (&root, b"d"), at(1)),
        Err(FileError::NotEmpty)
    );
    assert_eq!(
        tree.unlink(&ROOT_USER, (&root, b"d"), at(1)),
        Err(FileError::IsDirectory)
    );
    tree.rmdir(&ROOT_USER, (&d, b"e"), at(1)).unwrap();
    assert!(e.parent().is_none());
    assert_eq!(
        tree.create(&ROOT_USER, (&e, b"x"), attributes(), Content::File(1))
            .err(),
        Some(FileError::NotFound)
    );
    assert_eq!(d.links(), 2);
    file(&tree, &d, "f");
    assert_eq!(
        tree.rmdir(&ROOT_USER, (&d, b"f"), at(1)),
        Err(FileError::NotDirectory)
    );
}

#[test]
fn rename_replaces_what_it_may() {
    let tree = tree();
    let root = tree.root().clone();
    let d = mkdir(&tree, &root, "d");
    let e = mkdir(&tree, &d, "e");
    let f = file(&tree, &root, "f");
    let g = file(&tree, &d, "g");
    let rename = |from: (&Arc<_>, &str), to: (&Arc<_>, &str), keep| {
        tree.rename(
            &ROOT_USER,
            (from.0, from.1.as_bytes()),
            (to.0, to.1.as_bytes()),
            keep,
            at(9),
        )
    };
    assert_eq!(
        rename((&root, "d"), (&e, "x"), false),
        Err(FileError::Invalid)
    );
    assert_eq!(
        rename((&root, "f"), (&d, "g"), true),
        Err(FileError::Exists)
    );
    assert_eq!(
        rename((&root, "f"), (&d, "e"), false),
        Err(FileError::IsDirectory)
    );
    assert_eq!(
        rename((&d, "e"), (&root, "f"), false),
        Err(FileError::NotDirectory)
    );
    assert_eq!(
        rename((&root, "none"), (&root, "x"), false),
        Err(FileError::NotFound)
    );
    rename((&root, "f"), (&d, "g"), false).unwrap();
    assert_eq!((f.links(), g.links()), (1, 0));
    rename((&d, "e"), (&root, "e2"), false).unwrap();
    assert_eq!((root.links(), d.links()), (4, 2));
    assert_eq!(root.name_of(&e).as_deref(), Ok(&b"e2"[..]));
    let empty = mkdir(&tree, &root, "empty");
    rename((&root, "e2"), (&root, "empty"), false).unwrap();
    assert_eq!(empty.links(), 0);
}

#[test]
fn a_listing_survives_removal() {
    let tree = tree();
    let root = tree.root().clone();
    for name in ["a", "b", "c"] {
        file(&tree, &root, name);
    }
    let first = root.list(0).unwrap().unwrap();
    tree.unlink(&ROOT_USER, (&root, b"a"), at(1)).unwrap();
    let second = root.list(first.next).unwrap().unwrap();
    assert_eq!((&first.name[..], &second.name[..]), (&b"a"[..], &b"b"[..]));
}

#[test]
fn clearing_leaves_nothing() {
    let tree = tree();
    let root = tree.root().clone();
    let d = mkdir(&tree, &root, "d");
    let f = file(&tree, &mkdir(&tree, &d, "e"), "f");
    file(&tree, &root, "g");
    tree.clear(at(1));
    assert!(root.list(0).unwrap().is_none());
    assert_eq!((root.links(), f.links()), (2, 0));
    assert_eq!(Arc::strong_count(&f), 1);
}
