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
        ArchiveError::Truncated(0)
    );
    assert_eq!(
        Tree::parse(&[b'x'; 200], &[]).unwrap_err(),
        ArchiveError::BadMagic(0)
    );
    let mut bytes = archive();
    bytes[10] = b'z';
    assert_eq!(
        Tree::parse(&bytes, &[]).unwrap_err(),
        ArchiveError::BadNumber(0)
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
