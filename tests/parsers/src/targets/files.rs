//! The boot archive, and what tori say to each other about files.

use braid_files::archive::{NodeId, ROOT, Tree};
use braid_files::remote::answer::Answer;
use braid_files::remote::ask::Request;
use braid_files::remote::image::Image;
use braid_files::remote::wire::Wire;

/// Directories that the kernel mounts on.
const REQUIRED: [&[u8]; 3] = [b"dev", b"proc", b"tmp"];

/// The boot archive: every node of the tree can be reached, and has a name that finds it.
pub(crate) fn archive(bytes: &[u8]) {
    let Ok(tree) = Tree::parse(bytes, &REQUIRED) else {
        return;
    };
    let mut seen = 0;
    let mut waiting = vec![ROOT];
    while let Some(id) = waiting.pop() {
        seen += 1;
        assert!(seen <= tree.len(), "the tree has a circle");
        waiting.extend(children(&tree, id));
    }
}

fn children(tree: &Tree<'_>, id: NodeId) -> Vec<NodeId> {
    if !tree.node(id).is_directory() {
        return Vec::new();
    }
    let names = tree.names(id).iter();
    let found = names.map(|(name, child)| {
        assert_eq!(tree.child(id, name), Some(*child));
        *child
    });
    found.collect()
}

/// An archive without files, and one with two (cpio's format "newc").
pub(crate) fn archives() -> Vec<Vec<u8>> {
    let end = entry("TRAILER!!!", 0, b"");
    let files = [
        entry("bin", 0o40_755, b""),
        entry("bin/a", 0o100_755, b"content"),
        entry("link", 0o120_777, b"bin/a"),
    ];
    vec![end.clone(), [files.concat(), end].concat()]
}

/// A header of hexadecimal numbers, a name and content, both padded to four bytes.
fn entry(name: &str, mode: u32, content: &[u8]) -> Vec<u8> {
    let (size, name_size) = (content.len(), name.len() + 1);
    let mut bytes = format!(
        "07070100000001{mode:08x}000000000000000000000001{:08x}{size:08x}{:032x}{name_size:08x}{:08x}{name}\0",
        0, 0, 0
    )
    .into_bytes();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// Questions, answers and images: what reads at all reads back the same.
pub(crate) fn message(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else {
        return;
    };
    match kind % 3 {
        0 => there_and_back::<Request>(bytes),
        1 => there_and_back::<Answer>(bytes),
        _ => there_and_back::<Image>(bytes),
    }
}

fn there_and_back<T: Wire + PartialEq + core::fmt::Debug>(bytes: &[u8]) {
    if let Ok(value) = T::from_bytes(bytes) {
        let again = value.to_bytes().expect("memory is there");
        assert_eq!(T::from_bytes(&again), Ok(value));
    }
}

/// One of each kind, all fields zero.
pub(crate) fn messages() -> Vec<Vec<u8>> {
    let zeros = |kind: u8, tag: u8| [&[kind, tag], &[0; 64][..]].concat();
    (0..3)
        .flat_map(|kind| (0..24).map(move |tag| zeros(kind, tag)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_are_archives() {
        let nodes = archives()
            .iter()
            .map(|bytes| Tree::parse(bytes, &REQUIRED).unwrap().len())
            .collect::<Vec<_>>();
        assert_eq!(nodes, [4, 7]);
    }
}
