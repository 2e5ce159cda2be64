//! What mmap shows of an open file.

use super::OpenFile;
use crate::file::flags::Flags;
use crate::process::Current;
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use mem::object::ObjectRef;

impl OpenFile {
    /// No seal is added to the file while this is held, as while a mapping is made that may write to it. EPERM when one forbids that already.
    pub fn unsealed(&self) -> Result<Option<impl Sized + '_>, Stop> {
        self.content().map(|content| content.unsealed()).transpose()
    }

    /// What a mapping of it shows: ENODEV when it cannot be mapped.
    pub fn mappable(&self, thread: &Current, shared: bool) -> Result<Mappable, Stop> {
        if self.flags().contains(Flags::PATH) {
            return Err(Errno::EBADF.into());
        }
        self.mapped(self, thread, shared)
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

impl Mappable {
    /// Pages of a file that was opened so, which may be executed, and are not sealed.
    pub fn new(object: ObjectRef, flags: Flags) -> Self {
        Self {
            object,
            readable: flags.reads(),
            writable: flags.writes(),
            executable: true,
            sealed: false,
        }
    }
}
