//! The boot archive, which every torus has: its tree, its files as memory objects, and marks of what is not any more as it says.
//!
//! Torus 0 has what has changed of the root, and alone writes the marks, once for each node: what is not marked is found without asking
//! anybody.
//!
//! The tool that made the archive has computed the roots of their pages, so that no page is hashed here. The kernel believes them as it
//! believes its own image, which comes from the same effects; with the boot word `verify` it hashes every page first.

use super::facts;
use crate::syscall::errno::Errno;
use braid_files::archive::{self, NodeId, Roots, Tree};
use braid_files::tmp::Marks;
use mem::object::{Content, MemoryObject, ObjectRef, PageSource, SourceError};
use spin::Once;
use vm::addr::PAGE_SIZE;
use vm::hash::{Digest, Hasher, PageBytes, Portable};

/// The boot archive: parsed once, at boot.
static ARCHIVE: Once<Tree<'static>> = Once::new();

/// Copies of it, for other tori than the first: what the first one's heap holds beside the tree changes all the time. A torus
/// without memory for a copy reads the first one's.
static COPIES: [Once<Option<Tree<'static>>>; torus::MAX_TORI] =
    [const { Once::new() }; torus::MAX_TORI];

/// Nodes that are not any more as the archive says.
static MARKED: Once<Marked> = Once::new();

struct Marked {
    /// Torus 0 is asked about them.
    changed: Marks,
    /// Files with other bytes.
    written: Marks,
}

/// Directories that are there in any case, because something else is mounted on them.
const MOUNTS: [&[u8]; 3] = [b"dev", b"proc", b"tmp"];

/// Parses the boot archive. Called once, before the first process. With `verify` its page roots are computed again.
pub fn init(bytes: &'static [u8], verify: bool) -> Result<(), archive::ArchiveError> {
    let mut tree = Tree::parse(bytes, &MOUNTS)?;
    if verify {
        verify_roots(&mut tree);
    }
    let tree = ARCHIVE.call_once(|| tree);
    let marks = || Marks::new(tree.len()).map_err(|_| archive::ArchiveError::NoMemory);
    let (changed, written) = (marks()?, marks()?);
    MARKED.call_once(|| Marked { changed, written });
    Ok(())
}

/// The archive as torus 0 has it.
///
/// # Panics
/// Before [`init`].
pub fn parsed() -> &'static Tree<'static> {
    let parsed = ARCHIVE.get();
    parsed.unwrap_or_else(|| panic!("files are used before the boot archive was parsed"))
}

/// The boot archive, as the torus that runs this has it.
///
/// # Panics
/// Before [`init`].
pub fn archive() -> &'static Tree<'static> {
    let torus = facts::torus_index();
    let copy = COPIES[torus % COPIES.len()].call_once(|| match torus {
        0 => None,
        _ => parsed().try_clone().ok(),
    });
    copy.as_ref().unwrap_or_else(parsed)
}

fn marked() -> &'static Marked {
    let made = MARKED.get();
    made.unwrap_or_else(|| panic!("files are used before the boot archive was parsed"))
}

/// The marks of nodes that have changed, for whoever changes them.
pub fn changed() -> &'static Marks {
    &marked().changed
}

/// Whether the root has something else than this node.
pub fn is_changed(id: NodeId) -> bool {
    marked().changed.has(archive().node(id).first)
}

/// Whether the bytes of this file are not the archive's any more.
pub fn is_written(id: NodeId) -> bool {
    marked().written.has(archive().node(id).first)
}

/// The bytes of this file change.
pub fn mark_written(id: NodeId) {
    marked().written.set(archive().node(id).first);
}

/// The bytes of a file and what its pages contribute to a tree, if that came with the archive.
pub fn rooted(id: NodeId) -> Option<(&'static [u8], &'static [[u8; 32]])> {
    let node = archive().node(id);
    Some((bytes(id)?, node.roots?.pages))
}

/// The bytes of a file. None of a directory.
pub fn bytes(id: NodeId) -> Option<&'static [u8]> {
    match archive().node(id).content {
        archive::Content::Bytes(bytes) => Some(bytes),
        archive::Content::Directory(_) => None,
    }
}

/// What mappings of a file of the boot archive show. ENODEV when it is not a file.
pub fn object_of(id: NodeId) -> Result<ObjectRef, Errno> {
    let bytes = Bytes(bytes(id).ok_or(Errno::ENODEV)?, Some(id));
    Ok(match rooted(id) {
        Some((_, leaves)) => MemoryObject::of_content(fallible::arc(BootFile { bytes, leaves })?)?,
        None => MemoryObject::of_source(fallible::arc(bytes)?)?,
    })
}

/// The pages of a file to be changed: those that nobody has changed yet are read from the archive.
pub fn copy_of(id: NodeId) -> Result<ObjectRef, Errno> {
    let bytes = Bytes(bytes(id).ok_or(Errno::EISDIR)?, None);
    Ok(MemoryObject::over(fallible::arc(bytes)?)?)
}

/// A file of which the roots are known.
struct BootFile {
    bytes: Bytes,
    leaves: &'static [[u8; 32]],
}

impl PageSource for BootFile {
    fn len(&self) -> u64 {
        self.bytes.len()
    }

    fn fill(&self, index: u64, page: &mut PageBytes) -> Result<(), SourceError> {
        self.bytes.fill(index, page)
    }

    fn common_name(&self) -> Option<u64> {
        self.bytes.common_name()
    }

    fn identity(&self) -> Option<u64> {
        self.bytes.identity()
    }
}

impl Content for BootFile {
    fn leaf(&self, index: u64) -> Result<Digest, SourceError> {
        let index = usize::try_from(index).ok();
        let leaf = index.and_then(|index| self.leaves.get(index));
        leaf.map(|leaf| Digest(*leaf)).ok_or(SourceError::BeyondEnd)
    }
}

/// Pages of bytes that never change, of this file of the boot archive.
struct Bytes(&'static [u8], Option<NodeId>);

impl PageSource for Bytes {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn fill(&self, index: u64, page: &mut PageBytes) -> Result<(), SourceError> {
        let start = usize::try_from(index)
            .ok()
            .and_then(|index| index.checked_mul(PAGE_SIZE));
        let rest = start
            .and_then(|start| self.0.get(start..))
            .filter(|rest| !rest.is_empty());
        let rest = rest.ok_or(SourceError::BeyondEnd)?;
        let n = rest.len().min(PAGE_SIZE);
        page[..n].copy_from_slice(&rest[..n]);
        Ok(())
    }

    fn common_name(&self) -> Option<u64> {
        self.1.map(|id| id.0.into())
    }

    fn identity(&self) -> Option<u64> {
        // The bytes stay where they are: their place is as good as a name. Empty files have no pages to share.
        (!self.0.is_empty()).then_some(self.0.as_ptr() as u64)
    }
}

/// Hashes every file, and forgets the roots of those that have others (the boot word `verify`).
fn verify_roots(tree: &mut Tree<'static>) {
    let hasher = Hasher::new(&Portable);
    let mut files = 0;
    for number in 0..tree.len() as u32 {
        let node = tree.node(NodeId(number));
        let (Some(roots), archive::Content::Bytes(bytes)) = (node.roots, &node.content) else {
            continue;
        };
        files += 1;
        if !are_roots_of(&hasher, bytes, roots) {
            let name = node.name.escape_ascii();
            log::error!("boot archive: {name} has other page roots: used without them");
            tree.forget_roots(NodeId(number));
        }
    }
    log::info!("boot archive: verified the page roots of {files} files");
}

fn are_roots_of(hasher: &Hasher, bytes: &'static [u8], roots: Roots<'_>) -> bool {
    let mut page = [0; PAGE_SIZE];
    let mut pages = (0..).zip(roots.pages);
    pages.all(|(index, root)| {
        page.fill(0);
        Bytes(bytes, None).fill(index, &mut page).is_ok() && hasher.leaf(&page) == Digest(*root)
    }) && hasher.id(bytes.len() as u64, &hasher.pages_root(roots.pages)) == Digest(*roots.id)
}
