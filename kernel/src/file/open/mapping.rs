//! What mmap shows of an open file.

use super::{Body, Flags, OpenFile};
use crate::file::far::{self, remote::Remote};
use crate::file::seals::Seals;
use crate::file::{boot, transfer};
use crate::process::Current;
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use braid_files::archive::S_IFREG;
use mem::object::ObjectRef;
use vm::vmo::Rights;

impl OpenFile {
    /// No seal is added to the file while this is held, as while a mapping is made that may write to it. EPERM when one forbids that already.
    pub fn unsealed(&self) -> Result<Option<impl Sized + '_>, Stop> {
        match &self.body {
            Body::Tmp(node) => transfer::content(node)?.unsealed().map(Some),
            _ => Ok(None),
        }
    }

    /// What a mapping of it shows: ENODEV when it cannot be mapped.
    pub fn mappable(&self, thread: &Current, shared: bool) -> Result<Mappable, Stop> {
        let flags = self.flags();
        let mut sealed = false;
        let object = match &self.body {
            _ if flags.contains(Flags::PATH) => return Err(Errno::EBADF.into()),
            Body::Far(remote) => {
                let (object, is_sealed) = far_object(thread, remote, flags, shared)?;
                sealed = is_sealed;
                object
            }
            Body::Bytes(node, bytes) => boot::object(node, bytes)?,
            Body::Tmp(node) => {
                let content = transfer::content(node)?;
                if shared && flags.writes() {
                    content.writable_object();
                }
                sealed = content
                    .seals()
                    .intersects(Seals::WRITE | Seals::FUTURE_WRITE);
                content.object().clone()
            }
            Body::Vmo(file) => {
                let rights = file.handle.rights();
                return Ok(Mappable {
                    object: file.object()?,
                    readable: rights.contains(Rights::MAP),
                    writable: false,
                    executable: rights.contains(Rights::EXECUTE),
                    sealed,
                });
            }
            _ => return Err(Errno::ENODEV.into()),
        };
        Ok(Mappable {
            object,
            readable: flags.reads(),
            writable: flags.writes(),
            executable: true,
            sealed,
        })
    }
}

/// What a mapping of a file of another torus shows, and whether that is sealed against writing: the file's own pages, under a lease, when
/// it is shared; else a copy.
fn far_object(
    thread: &Current,
    remote: &Remote,
    flags: Flags,
    shared: bool,
) -> Result<(ObjectRef, bool), Stop> {
    if let Some(id) = remote.same_as() {
        return Ok((boot::object_of(id)?, false));
    }
    if remote.description.kind != S_IFREG {
        return Err(Errno::ENODEV.into());
    }
    if !flags.reads() {
        return Err(Errno::EACCES.into());
    }
    if shared {
        return far::map(thread, remote);
    }
    match &far::fetch(thread, remote)?.body {
        Body::Tmp(node) => Ok((transfer::content(node)?.object().clone(), false)),
        _ => Err(Errno::ENODEV.into()),
    }
}

/// What mmap needs of a descriptor.
pub struct Mappable {
    /// The pages.
    pub object: ObjectRef,
    /// Whether it is open for reading.
    pub readable: bool,
    /// Whether it is open for writing.
    pub writable: bool,
    /// Whether its pages may be executed.
    pub executable: bool,
    /// Whether it is sealed against writing.
    pub sealed: bool,
}
