use super::*;
use alloc::format;
use alloc::vec;

/// Appends one entry.
fn entry(to: &mut Vec<u8>, path: &str, mode: u32, inode: u32, links: u32, data: &[u8]) {
    let fields = [
        inode,
        mode,
        0,
        0,
        links,
        1000,
        data.len() as u32,
        8,
        1,
        0,
        0,
        path.len() as u32 + 1,
        0,
    ];
    to.extend_from_slice(b"070701");
    for field in fields {
        to.extend_from_slice(format!("{field:08X}").as_bytes());
    }
    to.extend_from_slice(path.as_bytes());
    to.push(0);
    to.resize(to.len().next_multiple_of(4), 0);
    to.extend_from_slice(data);
    to.resize(to.len().next_multiple_of(4), 0);
}

fn archive() -> Vec<u8> {
    let mut bytes = Vec::new();
    entry(&mut bytes, "./bin/tool", S_IFREG | 0o755, 7, 1, b"ELF?");
    entry(&mut bytes, "bin", S_IFDIR | 0o700, 8, 2, b"");
    entry(&mut bytes, "link", S_IFLNK | 0o777, 9, 1, b"bin/tool");
    entry(&mut bytes, "one", S_IFREG | 0o644, 10, 2, b"");
    entry(&mut bytes, "two", S_IFREG | 0o644, 10, 2, b"shared");
    entry(&mut bytes, "TRAILER!!!", 0, 0, 1, b"");
    bytes
}

#[test]
fn builds_the_tree() {
    let bytes = archive();
    let tree = Tree::parse(&bytes, &[b"tmp"]).unwrap();
    let bin = tree.child(ROOT, b"bin").unwrap();
    assert_eq!(tree.node(bin).mode, S_IFDIR | 0o700);
    let tool = tree.node(tree.child(bin, b"tool").unwrap());
    assert_eq!((tool.size(), tool.mtime, tool.parent), (4, 1000, bin));
    assert!(tree.node(tree.child(ROOT, b"link").unwrap()).is_link());
    assert_eq!(tree.node(ROOT).links, 4);
    let names: Vec<_> = tree.names(ROOT).iter().map(|(name, _)| *name).collect();
    assert_eq!(names, [&b"bin"[..], b"link", b"one", b"tmp", b"two"]);
}

#[test]
fn joins_hard_links() {
    let bytes = archive();
    let tree = Tree::parse(&bytes, &[]).unwrap();
    let [one, two] = [b"one", b"two"].map(|name| tree.node(tree.child(ROOT, name).unwrap()));
    assert_eq!(one.content, Content::Bytes(b"shared"));
    assert_eq!((one.inode, one.links), (two.inode, 2));
}

#[test]
fn an_empty_archive_has_a_root() {
    let mut bytes = Vec::new();
    entry(&mut bytes, "TRAILER!!!", 0, 0, 1, b"");
    assert_eq!(Tree::parse(&bytes, &[]).unwrap().len(), 1);
}

#[test]
fn names_the_damage() {
    assert_eq!(
        Tree::parse(b"", &[]).unwrap_err(),
        NewcError::Truncated(0).into()
    );
    assert_eq!(
        Tree::parse(&[b'x'; 200], &[]).unwrap_err(),
        NewcError::Magic(0).into()
    );
    let mut bytes = archive();
    bytes[10] = b'z';
    assert_eq!(
        Tree::parse(&bytes, &[]).unwrap_err(),
        NewcError::Number(0).into()
    );
    let mut below = Vec::new();
    entry(&mut below, "a", S_IFREG, 1, 1, b"");
    let offset = below.len();
    entry(&mut below, "a/b", S_IFREG, 2, 1, b"");
    assert_eq!(
        Tree::parse(&below, &[]).unwrap_err(),
        ArchiveError::BelowFile(offset)
    );
    let mut out = Vec::new();
    entry(&mut out, "../a", S_IFREG, 1, 1, b"");
    assert_eq!(
        Tree::parse(&out, &[]).unwrap_err(),
        ArchiveError::BadName(0)
    );
}

#[test]
fn every_prefix_is_an_error_and_no_flip_panics() {
    let bytes = archive();
    let trailer = bytes.len() - 8;
    for end in 0..trailer {
        assert!(Tree::parse(&bytes[..end], &[]).is_err(), "prefix of {end}");
    }
    for at in 0..bytes.len() {
        let mut damaged = vec![0; bytes.len()];
        damaged.copy_from_slice(&bytes);
        damaged[at] ^= 0x15;
        drop(Tree::parse(&damaged, &[]));
    }
}

/// An archive with one file of 5000 bytes, and `table` as its page roots.
fn with_table(table: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    entry(&mut bytes, "f", S_IFREG | 0o644, 1, 1, &[7; 5000]);
    entry(&mut bytes, ".page-roots", S_IFREG, 2, 1, table);
    entry(&mut bytes, "TRAILER!!!", 0, 0, 1, b"");
    bytes
}

fn table(records: &[(u64, u64)], digests: usize) -> Vec<u8> {
    let mut table = ROOTS_MAGIC.to_vec();
    table.extend((records.len() as u64).to_le_bytes());
    for (number, (offset, length)) in (1..).zip(records) {
        table.extend(offset.to_le_bytes());
        table.extend(length.to_le_bytes());
        table.extend([number; 32]);
    }
    for digest in 0..digests {
        table.extend([digest as u8 + 100; 32]);
    }
    table
}

#[test]
fn files_get_their_roots() {
    let bytes = with_table(&table(&[(112, 5000)], 2));
    let tree = Tree::parse(&bytes, &[]).unwrap();
    assert!(tree.child(ROOT, ROOTS_NAME).is_none());
    let file = tree.node(tree.child(ROOT, b"f").unwrap());
    let roots = file.roots.unwrap();
    assert_eq!(
        (roots.id, roots.pages),
        (&[1; 32], &[[100; 32], [101; 32]][..])
    );
}

#[test]
fn refuses_roots_that_do_not_fit() {
    let good = table(&[(112, 5000)], 2);
    let bad = [
        vec![],
        b"BRAIDPR2".to_vec(),
        good[..good.len() - 1].to_vec(),
        good[..20].to_vec(),
        table(&[(112, 5000)], 1),
        table(&[(112, 5000)], 3),
        table(&[(112, 4999)], 2),
        table(&[(113, 5000)], 2),
        table(&[(112, 0)], 0),
        table(&[(112, u64::MAX)], 2),
        table(&[(u64::MAX, 5000)], 2),
        table(&[(112, 5000), (112, 5000)], 4),
        table(&[(112, 5000), (5200, 10)], 3),
        [ROOTS_MAGIC.as_slice(), &u64::MAX.to_le_bytes()].concat(),
    ];
    for table in bad {
        let bytes = with_table(&table);
        let error = Tree::parse(&bytes, &[]).unwrap_err();
        assert_eq!(error, ArchiveError::BadRoots(5112), "{table:?}");
    }
}
