//! Where a process is and what is there: getcwd, chdir, getdents64, readlink, umask.

use super::super::open::Body;
use super::super::tree::Node;
use super::{AT_FDCWD, file, find, path};
use crate::mem::user::UserSlice;
use crate::syscall::call::{Call, Stop, SysResult};
use crate::syscall::errno::Errno;
use braid_files::stat::{entry_type, write_entry};

/// getcwd(2).
pub fn getcwd(call: &mut Call) -> SysResult {
    let mut path = call.process.files.directory().path().ok_or(Errno::ENOENT)?;
    path.push(0);
    if path.len() > call.size(1) {
        return Err(Errno::ERANGE.into());
    }
    UserSlice::new(call.size(0), path.len())?.write(&path)?;
    Ok(path.len())
}

/// chdir(2).
pub fn chdir(call: &mut Call) -> SysResult {
    let path = path(call, 0)?;
    call.process.files.enter_directory(&path)?;
    Ok(0)
}

/// fchdir(2).
pub fn fchdir(call: &mut Call) -> SysResult {
    let node = file(call)?.directory()?;
    call.process.files.set_directory(node);
    Ok(0)
}

/// umask(2).
pub fn umask(call: &mut Call) -> SysResult {
    Ok(call.process.files.set_umask(call.args[0] as u32) as usize)
}

/// readlink(2).
pub fn readlink(call: &mut Call) -> SysResult {
    let path = path(call, 0)?;
    let (buffer, len) = (call.size(1), call.int(2));
    read_link(call, AT_FDCWD, &path, buffer, len)
}

/// readlinkat(2).
pub fn readlinkat(call: &mut Call) -> SysResult {
    let path = path(call, 1)?;
    let (buffer, len) = (call.size(2), call.int(3));
    read_link(call, call.int(0), &path, buffer, len)
}

fn read_link(call: &Call, directory: i32, path: &[u8], buffer: usize, len: i32) -> SysResult {
    let len = usize::try_from(len)
        .ok()
        .filter(|&len| len > 0)
        .ok_or(Errno::EINVAL)?;
    let node = if path.is_empty() && directory != AT_FDCWD {
        call.process
            .files
            .get(directory)?
            .node()
            .ok_or(Errno::ENOENT)?
    } else {
        find(call, directory, path, false)?
    };
    let target = node.link().ok_or(Errno::EINVAL)?;
    let n = target.len().min(len);
    UserSlice::new(buffer, n)?.write(&target[..n])?;
    Ok(n)
}

/// getdents64(2). Positions: 0 is `.`, 1 is `..`, then the directory's own plus 2.
pub fn getdents64(call: &mut Call) -> SysResult {
    let file = file(call)?;
    let Body::Place(directory) = &file.body else {
        return Err(Errno::ENOTDIR.into());
    };
    if !file.flags().reads() {
        return Err(Errno::EBADF.into());
    }
    if !directory.is_directory() {
        return Err(Errno::ENOTDIR.into());
    }
    let out = UserSlice::new(call.size(1), call.size(2))?;
    let mut offset = file.offset.lock();
    let mut done = 0;
    while let Some((next, name, node)) = entry(directory, *offset) {
        let stat = node.stat();
        let mut block = [0; 288];
        let len = write_entry(&mut block, stat.inode, next, entry_type(stat.mode), &name)
            .ok_or(Errno::EIO)?;
        if len > out.len() - done {
            if done == 0 {
                return Err(Errno::EINVAL.into());
            }
            break;
        }
        match out.skip(done).write(&block[..len]) {
            Ok(()) => {}
            Err(Stop::Errno(_)) if done > 0 => break,
            Err(stop) => return Err(stop),
        }
        done += len;
        *offset = next;
    }
    Ok(done)
}

/// The entry at or after `position`, and the position after it.
fn entry(directory: &Node, position: u64) -> Option<(u64, alloc::vec::Vec<u8>, Node)> {
    match position {
        0 => Some((1, b".".to_vec(), directory.clone())),
        1 => Some((
            2,
            b"..".to_vec(),
            directory.parent().unwrap_or_else(|| directory.clone()),
        )),
        _ => directory
            .list(position - 2)
            .map(|(next, name, node)| (next + 2, name, node)),
    }
}
