//! What the file module keeps for each torus: its own `/tmp`, made in its own memory at first use.
//!
//! Nothing here is shared between tori: each slot is written once, by a core of its torus.

use super::content::Content;
use super::machine;
use crate::sched::wait::WaitQueue;
use alloc::boxed::Box;
use braid_files::tmp::{Attributes, Node, Tmp};
use core::sync::atomic::AtomicU64;
use spin::Once;

/// How tree locks wait.
pub type Relax = crate::arch::Relax;
/// A node of `/tmp`.
pub type TmpNode = Node<Content, Relax>;

/// The most tori a machine has.
const TORI: usize = 64;

/// The file module's share in one torus.
pub struct Local {
    tmp: Tmp<Content, Relax>,
    /// Readers and writers of the console on this torus.
    pub console: WaitQueue,
    /// The inode number of the next pipe (1 is the console).
    pub pipes: AtomicU64,
    /// Frames that programs could have at first use.
    pub frames: u64,
}

static LOCALS: [Once<&'static Local>; TORI] = [const { Once::new() }; TORI];

/// The share of the torus that runs this.
pub fn local() -> &'static Local {
    LOCALS[machine::torus_index() % TORI].call_once(|| {
        let (now, frames) = (machine::wall(), machine::available_frames());
        let root = Attributes {
            mode: 0o1777,
            atime: now,
            mtime: now,
            ctime: now,
            ..Attributes::default()
        };
        Box::leak(Box::new(Local {
            tmp: Tmp::new(root),
            console: WaitQueue::new(),
            pipes: AtomicU64::new(2),
            frames,
        }))
    })
}

/// `/tmp` of the torus that runs this.
pub fn tmp() -> &'static Tmp<Content, Relax> {
    &local().tmp
}

/// Wakes whoever waits for the console, on every torus.
pub fn wake_console() {
    for local in LOCALS.iter().filter_map(Once::get) {
        local.console.wake_all();
    }
}
