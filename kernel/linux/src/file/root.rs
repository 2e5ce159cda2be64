//! The root: the boot archive, and over it what has been changed since, which torus 0 has.

use super::boot;
use super::content::Content;
use super::mount::Mount;
use alloc::boxed::Box;
use braid_files::archive::ArchiveError;
use braid_files::error::FileError;
use braid_files::tmp::{Lower, Tmp};
use spin::Once;
use sync::Relax;

/// What lies over the archive, at torus 0.
static ROOT: Once<Tmp<Content, Relax>> = Once::new();

/// Lays the writable root over the boot archive, which has been parsed. Called once, before the first process.
pub fn init() -> Result<(), ArchiveError> {
    let no_memory = |_| ArchiveError::NoMemory;
    let device = Mount::Archive as u32;
    let (tree, changed) = (boot::parsed(), boot::changed());
    let lower = Lower::new(tree, changed, device, |id| {
        Content::of_archive(id).map_err(|_| FileError::NoMemory)
    });
    let lower = Box::leak(fallible::boxed(lower).map_err(|_| ArchiveError::NoMemory)?);
    // No two trees give the same inode numbers.
    let root = Tmp::over(device, lower, 1 << 56).map_err(no_memory)?;
    ROOT.call_once(|| root);
    Ok(())
}

/// The writable root, which is torus 0's to use.
///
/// # Panics
/// Before [`init`].
pub fn root() -> &'static Tmp<Content, Relax> {
    let made = ROOT.get();
    made.unwrap_or_else(|| panic!("files are used before the boot archive was parsed"))
}
