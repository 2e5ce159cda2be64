//! The calls about seals of files in memory (fcntl(2), "File Sealing").

use super::super::content::Seals;
use super::super::open::OpenFile;
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use mem::object::ObjectRef;
use mem::spaces::Spaces;
use travel::lease;
use vm::space::Object;
use vm::table::Rights;

/// F_GET_SEALS: EINVAL for a file that cannot be sealed.
pub fn get(file: &OpenFile) -> Result<usize, Errno> {
    let content = file.content().ok_or(Errno::EINVAL)?;
    Ok(content.seals().bits() as usize)
}

/// F_ADD_SEALS: EPERM when the file is not open for writing or takes no more seals, EBUSY when it is to be sealed against writing and
/// is mapped for it.
pub fn add(file: &OpenFile, seals: u64) -> Result<usize, Stop> {
    if !file.flags().writes() {
        return Err(Errno::EPERM.into());
    }
    let seals = u32::try_from(seals).ok().and_then(Seals::from_bits);
    let seals = seals.ok_or(Errno::EINVAL)?;
    let content = file.content().ok_or(Errno::EINVAL)?;
    content.seal(|old| {
        if old.contains(Seals::SEAL) {
            return Err(Errno::EPERM);
        }
        let stops_writes = seals.contains(Seals::WRITE) && !old.contains(Seals::WRITE);
        if stops_writes && is_mapped_for_writing(content.object()) {
            return Err(Errno::EBUSY);
        }
        Ok(seals)
    })?;
    Ok(0)
}

/// Whether a shared mapping of the object may be written, or made so by mprotect(2). Those of other tori count whatever their rights.
fn is_mapped_for_writing(object: &ObjectRef) -> bool {
    let mut found = lease::home::is_held(object);
    let memory = tori::here().memory();
    let spaces = tori::here().part::<Spaces>();
    spaces.showing(object.owner(), |space| {
        found |= space.look(|space| {
            let mut all = space.mappings_of(memory, object.owner());
            all.any(|mapping| !mapping.is_private() && mapping.maximum.contains(Rights::WRITE))
        });
        !found
    });
    found
}
