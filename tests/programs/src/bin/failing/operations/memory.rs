//! Memory and memory objects.

use super::EXECUTABLE;
use super::processes::ended;
use crate::things::{Child, Descriptor, Mapping};
use braid_test_programs::{Answer, call, vmo};
use libc as l;

pub(crate) fn memory() -> Answer {
    let mapping = Mapping::new(1 << 20, l::MAP_PRIVATE, None)?;
    mapping.fill();
    for page in [16, 64, 128] {
        let arguments = [mapping.at + page * 4096, 8192, l::PROT_READ as usize];
        call(l::SYS_mprotect, arguments)?;
    }
    call(
        l::SYS_madvise,
        [mapping.at, 1 << 19, l::MADV_DONTNEED as usize],
    )?;
    call(l::SYS_munmap, [mapping.at + 200 * 4096, 4096])?;
    call(l::SYS_mlock, [mapping.at, 8192])?;
    let mut there = [0u8; 16];
    let arguments = [mapping.at, 16 * 4096, there.as_mut_ptr() as usize];
    call(l::SYS_mincore, arguments)
}

pub(crate) fn remap() -> Answer {
    let mut mapping = Mapping::new(1 << 18, l::MAP_PRIVATE, None)?;
    mapping.fill();
    mapping.resize(1 << 19)?;
    mapping.fill();
    mapping.resize(1 << 16)
}

pub(crate) fn shared() -> Answer {
    let mapping = Mapping::new(1 << 16, l::MAP_SHARED, None)?;
    mapping.fill();
    let child = Child::fork(|| {
        mapping.fill();
        0
    })?;
    ended(child)
}

pub(crate) fn mapped_file() -> Answer {
    let file = Descriptor::open(EXECUTABLE, l::O_RDONLY)?;
    let mapping = Mapping::new(1 << 16, l::MAP_PRIVATE, Some(&file))?;
    mapping.read();
    Ok(0)
}

pub(crate) fn objects() -> Answer {
    let builder = Descriptor::of(vmo::builder(vmo::STREAMING))?;
    if vmo::append(builder.0, &[3; 9000])? < 9000 {
        // As far as there was memory.
        return Err(l::ENOMEM);
    }
    vmo::patch(builder.0, &[(100, &[1, 2, 3])])?;
    let object = Descriptor::of(vmo::commit(builder.0))?;
    let slice = Descriptor::of(vmo::slice(object.0, 100, 8000))?;
    let twice = Descriptor::of(vmo::concat(slice.0, object.0))?;
    let patched = Descriptor::of(vmo::patch(twice.0, &[(5000, &[9; 5000])]))?;
    let mut id = [0u8; 32];
    call(4106, [patched.0, id.as_mut_ptr() as usize])?;
    let mapping = Mapping::new(12_288, l::MAP_PRIVATE, Some(&patched))?;
    mapping.read();
    let memory = Mapping::new(1 << 16, l::MAP_PRIVATE, None)?;
    memory.fill();
    let _seen = Descriptor::of(vmo::snapshot(memory.at, 1 << 16))?;
    memory.fill();
    Ok(0)
}
