//! What mmap maps of a descriptor.

use super::super::flags::Flags;
use super::super::mapping::Mappable;
use super::super::open::OpenFile;
use super::super::remote;
use crate::process::Current;
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;

/// What a mapping of a file shows: ENODEV when it cannot be mapped.
pub fn mappable(file: &OpenFile, thread: &Current, shared: bool) -> Result<Mappable, Stop> {
    match file.remote() {
        _ if file.flags().contains(Flags::PATH) => Err(Errno::EBADF.into()),
        Some(remote) => remote::mapped(file, remote, thread, shared),
        None => file.mapped(file, shared),
    }
}
