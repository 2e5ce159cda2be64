//! Files: a small stand-in behind one door, until file systems and terminals are user programs.
//!
//! Roles: [`tree`] is the one tree that programs see, of the boot archive (global, immutable), `/tmp` (one for each torus), `/dev` and
//! `/proc`; [`open`] is what a descriptor names, and [`kind`] what each kind of file can do; [`context`] what a process has; [`tty`] the terminal; [`syscalls`] the calls.
//! The logic that needs no machine is in crate `braid-files`.
//!
//! Flow: a call finds its open file, makes a [`io::Transfer`] of the program's buffers, and effects it to what is behind the file.
//! A call that has to wait enrols its thread on a wait queue and answers `Stop::Block`; it then runs again, and goes on where it was.

mod archive;
mod boot;
pub mod caller;
mod claims;
mod content;
pub mod context;
mod device;
mod errno;
mod executable;
mod facts;
mod flags;
pub mod io;
pub mod kind;
mod local;
pub mod locks;
pub mod mapping;
mod memory;
mod mount;
pub mod open;
mod own;
mod pipe;
mod place;
mod proc;
pub mod remote;
mod root;
mod running;
mod service;
pub mod syscalls;
pub mod transfer;
mod tree;
pub mod tty;

pub use boot::{object_of as boot_object, rooted};
pub use executable::{Executable, Found};
pub use flags::Flags;
pub use local::{count_pages, has_room, may_grow};
pub use open::OpenFile;
pub use proc::MachineMemory;

use crate::file::context::HasFiles as _;
use crate::syscall::call::{Call, Stop};
use crate::syscall::errno::Errno;
use braid_files::archive::ArchiveError;

/// Frees what files and names this torus has left in `/tmp`, and wakes the threads that wait for the console. Called when the torus has no
/// process any more.
pub fn let_go() {
    local::clear();
}

/// Gives the first process of this torus the console as descriptors 0, 1 and 2.
pub fn open_console(call: &Call) -> Result<(), Stop> {
    let files = if facts::is_main() {
        let [input, output, error] = [0, 1, 2].map(tty::file::console);
        [input?, output?, error?]
    } else {
        let [input, output, error] = [0, 1, 2].map(|fd| syscalls::open_console(call, fd));
        [input?, output?, error?]
    };
    call.process.files().set_console(files);
    Ok(())
}

/// Takes over the boot archive and the command line's words on terminals. Called once, before the first process. With `verify`
/// the archive's page roots are computed again.
pub fn init(archive: &'static [u8], verify: bool) -> Result<(), ArchiveError> {
    boot::init(archive, verify)?;
    root::init()?;
    tty::init();
    Ok(())
}

/// Puts into `/tmp` what the boot archive has there, once the torus's account is open: it goes at the end.
pub fn fill() {
    local::fill();
}

/// Makes what the torus that runs this has of files, before its first process. ENOMEM without memory for it.
pub fn prepare() -> Result<(), Errno> {
    local::prepare()?;
    // The copy of the archive lasts, too.
    let _ = boot::archive();
    Ok(())
}
