//! What mmap shows of an open file.

use super::flags::Flags;
use mem::object::ObjectRef;

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
