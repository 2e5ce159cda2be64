//! The calls of programs about memory objects (`docs/abi.md`).

use super::file::{BuilderFile, VmoFile};
use super::patches::Patches;
use super::{Builder, cost, hash, store};
use crate::file::context::HasFiles as _;
use crate::file::kind::File;
use crate::file::{self, Flags, OpenFile};
use crate::process::limits;
use crate::syscall::call::{Call, SysResult};
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use fallible::collect;
use mem::user::UserSlice;
use vm::vmo::{Patch, Rights};

/// Whether execve(2) closes the descriptor that a call answers with. EINVAL for other flags than O_CLOEXEC.
pub(super) fn close_on_exec(flags: u64) -> Result<bool, Errno> {
    match flags {
        0 => Ok(false),
        flags if flags == u64::from(Flags::CLOEXEC.bits()) => Ok(true),
        _ => Err(Errno::EINVAL),
    }
}

/// What descriptors have to be below (RLIMIT_NOFILE).
fn limit(call: &Call) -> usize {
    let limit = call.process.limits.lock().current(limits::NOFILE);
    usize::try_from(limit).unwrap_or(usize::MAX)
}

fn insert(call: &Call, file: impl File, flags: Flags, close: bool) -> SysResult {
    let limit = limit(call);
    let _held = cost::reserve(cost::FILE)?;
    let file = OpenFile::new(file, flags)?;
    Ok(call.process.files().insert(file, close, 0, limit)? as usize)
}

/// A descriptor of an object.
pub(super) fn open(call: &Call, file: VmoFile, close: bool) -> SysResult {
    insert(call, file, Flags::RDONLY, close)
}

/// The open file in an argument.
fn file(call: &Call, index: usize) -> Result<Arc<OpenFile>, Errno> {
    call.process.files().get(call.int(index))
}

fn object(file: &OpenFile) -> Result<&VmoFile, Errno> {
    file.as_kind().ok_or(Errno::EINVAL)
}

fn builder_of(file: &OpenFile) -> Result<&BuilderFile, Errno> {
    file.as_kind().ok_or(Errno::EINVAL)
}

/// builder(max_bytes, flags): -1 is no bound.
pub fn builder(call: &mut Call) -> SysResult {
    let close = close_on_exec(call.args[1])?;
    let builder: Builder = match call.args[0] {
        u64::MAX => store()?.streaming_builder(),
        max => store()?.bounded_builder(max),
    };
    insert(call, BuilderFile::new(builder), Flags::WRONLY, close)
}

/// append(builder, buffer, bytes).
pub fn append(call: &mut Call) -> SysResult {
    let left = call.args[2].saturating_sub(call.inflight.done as u64);
    builder_of(&*file(call, 0)?)?.check_append(left)?;
    crate::file::syscalls::write(call)
}

/// patch(descriptor, patches, count, flags): of a builder in place, of an object a new one.
pub fn patch(call: &mut Call) -> SysResult {
    let close = close_on_exec(call.args[3])?;
    let file = file(call, 0)?;
    let builder = builder_of(&file);
    if builder.is_err() {
        object(&file)?;
    }
    let patches = Patches::read(call.size(1), call.size(2))?;
    let (count, bytes) = patches.size();
    let _held = cost::reserve(cost::patch(count, bytes))?;
    if let Ok(builder) = builder {
        return Ok(builder.patch(&patches).map(|()| 0)?);
    }
    let patches = collect::<Patch<'_>>(patches.iter())?;
    let patched = object(&file)?.handle.patch(&patches)?;
    open(call, VmoFile::new(patched), close)
}

/// commit(builder, flags).
pub fn commit(call: &mut Call) -> SysResult {
    let close = close_on_exec(call.args[1])?;
    let file = file(call, 0)?;
    let builder = builder_of(&file)?;
    // An object that is sealed has its descriptor.
    call.process.files().make_room(limit(call))?;
    let _held = cost::reserve(builder.cost_of_commit() + cost::FILE)?;
    let handle = builder.commit()?;
    open(call, VmoFile::new(handle), close)
}

/// slice(object, start, end, flags).
pub fn slice(call: &mut Call) -> SysResult {
    let close = close_on_exec(call.args[3])?;
    let file = file(call, 0)?;
    let _held = cost::reserve(cost::ROPE)?;
    let handle = &object(&file)?.handle;
    let slice = handle.slice(call.args[1]..call.args[2])?;
    open(call, VmoFile::new(slice), close)
}

/// concat(first, second, flags).
pub fn concat(call: &mut Call) -> SysResult {
    let close = close_on_exec(call.args[2])?;
    let (first, second) = (file(call, 0)?, file(call, 1)?);
    let _held = cost::reserve(cost::ROPE)?;
    let joined = object(&first)?.handle.concat(&object(&second)?.handle)?;
    open(call, VmoFile::new(joined), close)
}

/// id(object, buffer): 32 bytes.
pub fn id(call: &mut Call) -> SysResult {
    let file = file(call, 0)?;
    let handle = &object(&file)?.handle;
    handle.demand(Rights::READ)?;
    let buffer = UserSlice::new(call.size(1), 32)?;
    hash::all(call, handle)?;
    buffer.write(&handle.id()?.0)?;
    Ok(0)
}

/// restrict(object, rights, flags).
pub fn restrict(call: &mut Call) -> SysResult {
    let close = close_on_exec(call.args[2])?;
    let rights = u8::try_from(call.args[1]).ok().and_then(Rights::from_bits);
    let file = file(call, 0)?;
    let restricted = object(&file)?.restricted(rights.ok_or(Errno::EINVAL)?)?;
    open(call, restricted, close)
}

/// of_file(file, flags): a file of the boot archive as an object.
pub fn of_file(call: &mut Call) -> SysResult {
    let close = close_on_exec(call.args[1])?;
    let file = file(call, 0)?;
    if !file.flags().reads() {
        return Err(Errno::EBADF.into());
    }
    let rooted = file.archive().and_then(file::rooted);
    let (bytes, leaves) = rooted.ok_or(Errno::EINVAL)?;
    let pages = bytes.len().div_ceil(4096) as u64;
    let _held = cost::reserve(cost::ROPE + cost::tree(pages, bytes.len() as u64))?;
    let handle = super::boot::object(store()?, bytes, leaves)?;
    open(call, VmoFile::new(handle), close)
}

/// rights(object).
pub fn rights(call: &mut Call) -> SysResult {
    let file = file(call, 0)?;
    Ok(usize::from(object(&file)?.handle.rights().bits()))
}
