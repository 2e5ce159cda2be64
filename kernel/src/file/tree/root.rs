//! The root: the boot archive, which every torus has, and what has been changed of it since, which torus 0 has. A mark for each node
//! of the archive says which of the two is to be believed: what is not marked is found without asking anybody.

use super::Mount;
use crate::file::content::Content;
use crate::file::{boot, facts};
use alloc::boxed::Box;
use braid_files::archive::{self, NodeId};
use braid_files::error::FileError;
use braid_files::tmp::{Lower, Marks, Tmp};
use spin::Once;
use sync::Relax;

/// The boot archive: parsed once, at boot.
static ARCHIVE: Once<archive::Tree<'static>> = Once::new();

/// Copies of it, for other tori than the first: what the first one's heap holds beside the tree changes all the time. A torus
/// without memory for a copy reads the first one's.
static COPIES: [Once<Option<archive::Tree<'static>>>; torus::MAX_TORI] =
    [const { Once::new() }; torus::MAX_TORI];

/// What the root has instead of the archive, and where: at torus 0, which alone writes the marks, once for each node.
static ROOTS: Once<Roots> = Once::new();

/// The writable root.
struct Roots {
    tree: Tmp<Content, Relax>,
    /// Nodes of the archive that are not any more as it says: torus 0 is asked about them.
    changed: &'static Marks,
    /// Files whose bytes are not the archive's any more.
    written: &'static Marks,
}

/// Directories that are there in any case, because something else is mounted on them.
const MOUNTS: [&[u8]; 3] = [b"dev", b"proc", b"tmp"];

/// Parses the boot archive. Called once, before the first process.
pub fn init(bytes: &'static [u8], verify: bool) -> Result<(), archive::ArchiveError> {
    let mut tree = archive::Tree::parse(bytes, &MOUNTS)?;
    if verify {
        boot::verify(&mut tree);
    }
    let tree = ARCHIVE.call_once(|| tree);
    let no_memory = |_| archive::ArchiveError::NoMemory;
    let marks = || -> Result<&'static Marks, FileError> {
        Ok(Box::leak(fallible::boxed(Marks::new(tree.len())?)?))
    };
    let changed = marks().map_err(no_memory)?;
    let written = marks().map_err(no_memory)?;
    let device = Mount::Archive as u32;
    let lower = Lower::new(tree, changed, device, |id| {
        Content::of_archive(id).map_err(|_| FileError::NoMemory)
    });
    let lower = Box::leak(fallible::boxed(lower)?);
    // No two trees give the same inode numbers.
    let tree = Tmp::over(device, lower, 1 << 56).map_err(no_memory)?;
    ROOTS.call_once(|| Roots {
        tree,
        changed,
        written,
    });
    Ok(())
}

fn roots() -> &'static Roots {
    let made = ROOTS.get();
    made.unwrap_or_else(|| panic!("files are used before the boot archive was parsed"))
}

/// The writable root, which is torus 0's to use.
pub fn root() -> &'static Tmp<Content, Relax> {
    &roots().tree
}

/// Whether the root has something else than this node of the archive.
pub fn is_changed(id: NodeId) -> bool {
    roots().changed.has(archive().node(id).first)
}

/// Whether the bytes of this file are not the archive's any more.
pub fn is_written(id: NodeId) -> bool {
    roots().written.has(archive().node(id).first)
}

/// The bytes of this file change.
pub fn mark_written(id: NodeId) {
    roots().written.set(archive().node(id).first);
}

/// The boot archive, as the torus that runs this has it.
///
/// # Panics
/// Before [`init`].
pub fn archive() -> &'static archive::Tree<'static> {
    let first = || {
        let parsed = ARCHIVE.get();
        parsed.unwrap_or_else(|| panic!("files are used before the boot archive was parsed"))
    };
    let torus = facts::torus_index();
    let copy = COPIES[torus % COPIES.len()].call_once(|| match torus {
        0 => None,
        _ => first().try_clone().ok(),
    });
    copy.as_ref().unwrap_or_else(first)
}
