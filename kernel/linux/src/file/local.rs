//! What the file module keeps for each torus, made in its own memory at first use.
//!
//! Nothing here is shared between tori: each slot is written once, by a core of its torus.

use super::content::{Content, TmpNode};
use super::mount::Mount;
use super::remote::reference::Remote;
use super::root::root;
use super::running::Running;
use super::{boot, facts};
use crate::syscall::errno::Errno;
use alloc::boxed::Box;
use alloc::sync::Arc;
use braid_files::archive::{self, NodeId, ROOT, S_IFLNK, S_IFMT};
use braid_files::credentials::Identity;
use braid_files::load::Load;
use braid_files::tmp::{Attributes, Content as Kind, Tmp, attributes_below};
use core::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use fallible::{NoMemory, to_vec};
use spin::Once;
use sync::Lock;
use sync::Relax;
use sync::WaitQueue;
use torus::MAX_TORI;

/// How deep directories of the boot archive's `/tmp` are followed: the kernel's stack is small.
const DEPTH: usize = 16;

/// The file module's share in one torus.
pub struct Local {
    tmp: Tmp<Content, Relax>,
    /// `/tmp` as paths lead to it, where it is not at home.
    remote_tmp: Option<Arc<Remote>>,
    /// Readers and writers of the console, where that is at home.
    pub console: WaitQueue,
    /// The inode number of the next pipe (1 is the console).
    pub pipes: AtomicU64,
    /// Load averages, as this torus knows them.
    pub load: Lock<Load>,
    /// Frames that programs could have at first use.
    pub frames: u64,
    /// Pages that files have in memory and swap.
    pages: AtomicI64,
    /// What of the boot archive runs here.
    pub running: Running,
}

static LOCALS: [Once<&'static Local>; MAX_TORI] = [const { Once::new() }; MAX_TORI];

/// Makes the share of the torus that runs this, before its first process.
pub fn prepare() -> Result<(), NoMemory> {
    let share = &LOCALS[facts::torus_index() % MAX_TORI];
    share.try_call_once(make).map(|_| ())
}

/// The share of the torus that runs this.
///
/// # Panics
/// Before [`prepare`].
pub fn local() -> &'static Local {
    match LOCALS[facts::torus_index() % MAX_TORI].get() {
        Some(local) => local,
        None => panic!("files are used before they are prepared"),
    }
}

fn make() -> Result<&'static Local, NoMemory> {
    let (now, frames) = (facts::wall(), facts::available_frames());
    let root = Attributes {
        mode: 0o1777,
        atime: now,
        mtime: now,
        ctime: now,
        ..Attributes::default()
    };
    // No two tori give the same inode numbers.
    let base = (facts::torus_index() as u64) << 40;
    let tmp = Tmp::new(Mount::Tmp as u32, root, base)?;
    let remote_tmp = if facts::is_main() {
        None
    } else {
        Some(fallible::arc(Remote::tmp())?)
    };
    let local = Local {
        tmp,
        remote_tmp,
        console: WaitQueue::new(),
        pipes: AtomicU64::new(base + 2),
        load: Lock::new(Load::new()),
        frames,
        pages: AtomicI64::new(0),
        running: Running::new(boot::archive().len())?,
    };
    Ok(Box::leak(fallible::boxed(local)?))
}

/// Whether a file of the boot archive runs on any torus.
pub fn is_run_anywhere(id: NodeId) -> bool {
    let locals = LOCALS.iter().filter_map(Once::get);
    locals.into_iter().any(|local| local.running.has(id))
}

/// Puts into `/tmp`, where that is at home, what the boot archive has there.
pub fn fill() {
    if facts::is_main()
        && let Some(from) = boot::archive().child(ROOT, b"tmp")
    {
        unpack(tmp(), from, tmp().root(), 0);
    }
}

/// Files in memory of the torus that runs this: `/tmp` where that is at home, elsewhere only files without names.
pub fn tmp() -> &'static Tmp<Content, Relax> {
    &local().tmp
}

/// `/tmp` as paths lead to it; None where it is at home.
pub fn remote_tmp() -> Option<&'static Arc<Remote>> {
    local().remote_tmp.as_ref()
}

/// Empties `/tmp` and the root's changes of the torus that runs this: its last process has ended.
pub fn clear() {
    let now = facts::wall();
    if let Some(local) = LOCALS[facts::torus_index() % MAX_TORI].get() {
        local.tmp.clear(now);
        local.console.wake_all();
    }
    if facts::is_main() {
        root().clear(now);
    }
}

/// So many pages more, or less, are files'.
pub fn count_pages(pages: i64) {
    if let Some(local) = LOCALS[facts::torus_index() % MAX_TORI].get() {
        local.pages.fetch_add(pages, Ordering::Relaxed);
    }
}

/// How many pages files may have in memory and swap, and how many more they may take: half of both, as tmpfs has on Linux by default of
/// the memory alone; and a sixteenth of the memory is left to processes in any case.
pub fn room() -> (u64, u64) {
    let Some(local) = LOCALS[facts::torus_index() % MAX_TORI].get() else {
        return (0, 0);
    };
    let (slots, all_slots) = facts::slots();
    let most = (local.frames + all_slots) / 2;
    let pages = u64::try_from(local.pages.load(Ordering::Relaxed)).unwrap_or(0);
    let available = facts::available_frames() + slots;
    let left = available.saturating_sub(local.frames / 16);
    (most, most.saturating_sub(pages).min(left))
}

/// Whether files may take a page more.
pub fn has_room() -> bool {
    room().1 > 0
}

/// Whether what files take of the kernel's heap may grow, which is not when that has half of the memory already: it stays when who has
/// made it ends, it cannot go to swap, and who removes it wants to run.
pub fn may_grow() -> bool {
    let (frames, heap) = facts::frames_and_heap();
    heap <= frames / 2 && has_room()
}

/// The tree of a node, which is to have a name more. ENOSPC when it [may not](may_grow).
pub fn growing(node: &TmpNode) -> Result<&'static Tmp<Content, Relax>, Errno> {
    if may_grow() {
        Ok(tree_of(node))
    } else {
        Err(Errno::ENOSPC)
    }
}

/// The tree of a node, whose names it may change.
pub fn tree_of(node: &TmpNode) -> &'static Tmp<Content, Relax> {
    if node.device == Mount::Archive as u32 {
        root()
    } else {
        tmp()
    }
}

/// Wakes whoever waits for the console.
pub fn wake_console() {
    local().console.wake_all();
}

/// Copies what the boot archive has in `/tmp` into a new tree. What finds no memory is left out: it is missing then, as a file that
/// could not be unpacked.
fn unpack(tmp: &Tmp<Content, Relax>, from: NodeId, to: &Arc<TmpNode>, depth: usize) {
    let archive = boot::archive();
    for &(name, id) in archive.names(from) {
        let node = archive.node(id);
        let attributes = attributes_below(node);
        let content = match (&node.content, node.mode & S_IFMT) {
            (archive::Content::Directory(_), _) => Kind::Directory,
            (archive::Content::Bytes(target), S_IFLNK) => match to_vec(target) {
                Ok(target) => Kind::Link(target),
                Err(_) => continue,
            },
            (archive::Content::Bytes(bytes), _) => match Content::of(bytes) {
                Ok(content) => Kind::File(content),
                Err(_) => continue,
            },
        };
        let made = tmp.create(&Identity::default(), (to, name), attributes, content);
        let Ok(made) = made else { continue };
        if node.is_directory() && depth < DEPTH {
            unpack(tmp, id, &made, depth + 1);
        }
        made.change(|own| *own = attributes);
    }
}
