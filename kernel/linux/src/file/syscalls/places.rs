//! Where a process is and what is there: getcwd, chdir, getdents64, readlink, umask.

use super::super::proc::Proc;
use super::super::remote;
use super::super::service::{Outcome, place};
use super::super::tree::Node;
use super::dispatch::{At, about_file, about_path};
use super::{AT_FDCWD, file, path, place_or_file};
use crate::file::context::HasFiles as _;
use crate::syscall::call::{Call, Stop, SysResult};
use crate::syscall::errno::Errno;
use braid_files::permission::Access;
use braid_files::remote::ask::Request;
use fallible::TryVec;
use mem::user::UserSlice;

/// getcwd(2).
pub fn getcwd(call: &mut Call) -> SysResult {
    let Outcome::Bytes(mut path) = about_path(call, At::here(b"."), Request::Path)? else {
        return Err(Errno::EIO.into());
    };
    path.try_push(0)?;
    if path.len() > call.size(1) {
        return Err(Errno::ERANGE.into());
    }
    UserSlice::new(call.size(0), path.len())?.write(&path)?;
    Ok(path.len())
}

/// chdir(2).
pub fn chdir(call: &mut Call) -> SysResult {
    let path = path(call, 0)?;
    enter(call, &path)?;
    Ok(0)
}

/// Changes the working directory to a path.
pub fn enter(call: &Call, path: &[u8]) -> Result<(), Stop> {
    let file = about_path(call, At::here(path), Request::Enter)?.opened()?;
    call.process.files().set_directory(file.directory()?);
    Ok(())
}

/// fchdir(2).
pub fn fchdir(call: &mut Call) -> SysResult {
    let file = place_or_file(call)?;
    let node = file.directory()?;
    let (mode, real) = (Access::EXECUTE.bits(), false);
    about_file(call, file, Request::Access { mode, real })?;
    call.process.files().set_directory(node);
    Ok(0)
}

/// umask(2).
pub fn umask(call: &mut Call) -> SysResult {
    Ok(call.process.files().set_umask(call.args[0] as u32) as usize)
}

/// readlink(2).
pub fn readlink(call: &mut Call) -> SysResult {
    let path = path(call, 0)?;
    read_link(call, At::here(&path), call.size(1), call.int(2))
}

/// readlinkat(2).
pub fn readlinkat(call: &mut Call) -> SysResult {
    let path = path(call, 1)?;
    read_link(
        call,
        At::from(call.int(0), &path),
        call.size(2),
        call.int(3),
    )
}

fn read_link(call: &Call, at: At, buffer: usize, len: i32) -> SysResult {
    let len = usize::try_from(len)
        .ok()
        .filter(|&len| len > 0)
        .ok_or(Errno::EINVAL)?;
    let outcome = if at.path.is_empty() && at.directory != AT_FDCWD {
        about_file(
            call,
            call.process.files().get(at.directory)?,
            Request::ReadLink,
        )?
    } else {
        about_path(call, at.itself(), Request::ReadLink)?
    };
    outcome.write_to(buffer, len)
}

/// getdents64(2).
pub fn getdents64(call: &mut Call) -> SysResult {
    let file = file(call)?;
    let out = UserSlice::new(call.size(1), call.size(2))?;
    if let Some(remote) = file.remote() {
        return remote::list(call, remote, out);
    }
    match file.directory()? {
        node @ Node::Archive(id) if node.is_stale() => remote::list_changed(call, &file, id, out),
        Node::Proc(Proc::Root) => remote::list_processes(call, &file, out),
        _ => place::list(&file, out.len(), |done, entry| {
            Ok(out.skip(done).write(entry)?)
        }),
    }
}
