//! What operations on objects take of the kernel's heap, at most. Their nodes cannot be allocated fallibly, so it is reserved first.

use super::{Builder, Handle};
use crate::syscall::errno::Errno;
use fallible::{NoMemory, Reserved};

/// The store itself.
pub const STORE: u64 = 16 << 10;
/// An open file, its object, and the object of its mappings.
pub const FILE: u64 = 4 << 10;
/// Cutting or joining ropes: nodes along two paths of at most a hundred, and the subtrees beside a cut.
pub const ROPE: u64 = 64 << 10;
/// A page with its count, a leaf of a map, a weak reference by root.
const PAGE: u64 = 512;
/// A branch twice (as it was and with equal content put in place), and its weak reference.
const BRANCH: u64 = 448;
/// Nodes above a page that lies alone: no tree is higher.
const PATH: u64 = 52;

/// Reserves so many bytes of the heap, what the allocator needs for each block included.
pub fn reserve(bytes: u64) -> Result<Reserved, NoMemory> {
    fallible::reserve(0, usize::try_from(bytes).map_err(|_| NoMemory)?)
}

/// A tree over `pages` stored pages, of an object of `size` bytes.
pub fn tree(pages: u64, size: u64) -> u64 {
    let height = size.div_ceil(4096).max(1).ilog2() + 1;
    let dense = pages.max(1).ilog2();
    // Below the level at which every subtree has a page, each page has a path of its own.
    let own_path = u64::from(height.saturating_sub(dense)).min(PATH);
    pages.saturating_mul(PAGE + BRANCH * (2 + own_path))
}

/// The page tree of an object, hashed. ENOMEM when it has more pages than the torus's memory could ever describe.
pub fn id_of(handle: &Handle) -> Result<u64, Errno> {
    let most = tori::here().total() * 4096 / PAGE;
    let pages = handle.stored(most);
    if pages == most {
        return Err(Errno::ENOMEM);
    }
    Ok(ROPE + tree(pages, handle.size()))
}

/// Sealing a builder.
pub fn commit_of(builder: &Builder) -> u64 {
    let size = builder.size().unwrap_or(0);
    ROPE + tree(builder.stored(), size)
}

/// Writing `bytes` to a builder, or `patches` of so many bytes in all to an object.
pub fn patch(patches: u64, bytes: u64) -> u64 {
    let pages = bytes.div_ceil(4096) + 2 * patches;
    ROPE * (1 + patches) + tree(pages, bytes)
}
