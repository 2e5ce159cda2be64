//! The file calls of Linux, by the manual pages of section 2: what a program passes becomes a request, what comes of it goes to
//! the program's memory.

mod attributes;
mod control;
mod copying;
mod descriptors;
mod dispatch;
mod entries;
mod home;
mod io;
mod locking;
mod mapping;
mod opening;
mod places;
mod poll;
mod seals;
mod select;
mod two_paths;
mod watch;

pub use attributes::*;
pub use control::*;
pub use copying::*;
pub use descriptors::*;
pub use dispatch::{go_on, open_console, place};
pub use entries::*;
pub use io::*;
pub use locking::flock;
pub use mapping::mappable;
pub use opening::*;
pub use places::*;
pub use poll::*;
pub use select::*;

use super::open::OpenFile;
use crate::file::context::HasFiles as _;
use crate::process::limits;
use crate::syscall::call::{Call, Stop};
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;
use braid_files::walk::PATH_MAX;
use mem::user::read_c_string;

/// "The working directory" in place of a directory's descriptor.
const AT_FDCWD: i32 = -100;
const AT_SYMLINK_NOFOLLOW: u64 = 0x100;
const AT_REMOVEDIR: u64 = 0x200;
const AT_SYMLINK_FOLLOW: u64 = 0x400;
const AT_NO_AUTOMOUNT: u64 = 0x800;
const AT_EMPTY_PATH: u64 = 0x1000;

/// The path that argument `index` points to.
fn path(call: &Call, index: usize) -> Result<Vec<u8>, Stop> {
    Ok(read_c_string(call.size(index), PATH_MAX)?)
}

/// The open file of the descriptor in argument 0. EBADF as well for one that names a place alone (O_PATH): whoever has that had no right to
/// anything else.
fn file(call: &Call) -> Result<Arc<OpenFile>, Errno> {
    call.process.files().get_for_use(call.int(0))
}

/// The same for what asks no more than which file it is: what may be done with a name may be done with a place.
fn place_or_file(call: &Call) -> Result<Arc<OpenFile>, Errno> {
    call.process.files().get(call.int(0))
}

/// One more than the largest descriptor the caller may have.
fn descriptor_limit(call: &Call) -> usize {
    usize::try_from(call.process.limits.lock().current(limits::NOFILE)).unwrap_or(usize::MAX)
}
