//! Mappings of files of other tori.

use super::super::boot;
use super::super::mapping::Mappable;
use super::super::open::OpenFile;
use super::bytes::map;
use super::fetch::fetch;
use super::reference::Remote;
use crate::process::Current;
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;

/// What a mapping of a file of another torus shows: the file's own pages, under a lease, when it is shared; else a copy.
pub fn mapped(
    open: &OpenFile,
    remote: &Remote,
    thread: &Current,
    shared: bool,
) -> Result<Mappable, Stop> {
    let flags = open.flags();
    if let Some(id) = remote.same_as() {
        return Ok(Mappable::new(boot::object_of(id)?, flags));
    }
    if !open.is_regular() {
        return Err(Errno::ENODEV.into());
    }
    if !flags.reads() {
        return Err(Errno::EACCES.into());
    }
    if shared {
        let (object, sealed) = map(thread, remote)?;
        return Ok(Mappable {
            sealed,
            ..Mappable::new(object, flags)
        });
    }
    let copy = fetch(thread, remote)?;
    let content = copy.content().ok_or(Errno::ENODEV)?;
    Ok(Mappable::new(content.object().clone(), flags))
}
