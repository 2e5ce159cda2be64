//! fcntl, ioctl.

use super::super::service::files::control_input;
use super::super::tty::ioctl::TIOCNOTTY;
use super::dispatch::about_file;
use super::{descriptor_limit, file, place_or_file};
use super::{locking, seals};
use crate::file::context::HasFiles as _;
use crate::process::table;
use crate::syscall::call::{Call, SysResult};
use crate::syscall::errno::Errno;
use alloc::vec::Vec;
use braid_files::remote::ask::{LockAction, LockOwner, Request};
use braid_threads::interruption::Interruption;
use core::sync::atomic::Ordering;
use fallible::TryVec;
use mem::user::UserSlice;

const F_SETLKW: i32 = 7;
const F_OFD_SETLKW: i32 = 38;

/// What signals do to fcntl(2): only locks are waited for.
pub fn fcntl_interruption(call: &Call) -> Interruption {
    match call.int(1) {
        F_SETLKW | F_OFD_SETLKW => Interruption::Restarts,
        _ => Interruption::Never,
    }
}

/// fcntl(2).
pub fn fcntl(call: &mut Call) -> SysResult {
    const F_DUPFD: i32 = 0;
    const F_GETFD: i32 = 1;
    const F_SETFD: i32 = 2;
    const F_GETFL: i32 = 3;
    const F_SETFL: i32 = 4;
    const F_GETLK: i32 = 5;
    const F_SETLK: i32 = 6;
    const F_OFD_GETLK: i32 = 36;
    const F_OFD_SETLK: i32 = 37;
    const F_DUPFD_CLOEXEC: i32 = 1030;
    const F_SETPIPE_SZ: i32 = 1031;
    const F_GETPIPE_SZ: i32 = 1032;
    const F_ADD_SEALS: i32 = 1033;
    const F_GET_SEALS: i32 = 1034;
    const FD_CLOEXEC: u64 = 1;
    let fd = call.int(0);
    let file = match call.int(1) {
        F_DUPFD | F_DUPFD_CLOEXEC | F_GETFD | F_SETFD | F_GETFL => place_or_file(call)?,
        _ => file(call)?,
    };
    let files = call.process.files();
    match call.int(1) {
        command @ (F_DUPFD | F_DUPFD_CLOEXEC) => {
            let limit = descriptor_limit(call);
            let from = usize::try_from(call.int(2))
                .ok()
                .filter(|&from| from < limit)
                .ok_or(Errno::EINVAL)?;
            Ok(files.insert(file, command == F_DUPFD_CLOEXEC, from, limit)? as usize)
        }
        F_GETFD => Ok(usize::from(files.is_close_on_exec(fd)?)),
        F_SETFD => {
            files.set_close_on_exec(fd, call.args[2] & FD_CLOEXEC != 0)?;
            Ok(0)
        }
        F_GETFL => about_file(call, file, Request::Flags)?.number(),
        F_SETFL => {
            let flags = call.args[2] as u32;
            about_file(call, file, Request::SetFlags { flags })?.number()
        }
        F_GETLK => locking::record(call, LockAction::Look, LockOwner::Process),
        F_SETLK => locking::record(call, LockAction::Try, LockOwner::Process),
        F_SETLKW => locking::record(call, LockAction::Wait, LockOwner::Process),
        F_OFD_GETLK => locking::record(call, LockAction::Look, LockOwner::OpenFile),
        F_OFD_SETLK => locking::record(call, LockAction::Try, LockOwner::OpenFile),
        F_OFD_SETLKW => locking::record(call, LockAction::Wait, LockOwner::OpenFile),
        F_ADD_SEALS => seals::add(&file, call.args[2]),
        F_GET_SEALS => Ok(seals::get(&file)?),
        F_GETPIPE_SZ => about_file(call, file, Request::PipeSize { bytes: None })?.number(),
        F_SETPIPE_SZ => {
            let bytes = Some(u64::from(call.args[2] as u32));
            about_file(call, file, Request::PipeSize { bytes })?.number()
        }
        _ => Err(Errno::EINVAL.into()),
    }
}

/// fadvise64(2): advice is taken note of.
pub fn fadvise64(call: &mut Call) -> SysResult {
    if file(call)?.is_pipe() {
        Err(Errno::ESPIPE.into())
    } else {
        Ok(0)
    }
}

/// ioctl(2).
pub fn ioctl(call: &mut Call) -> SysResult {
    const FIONCLEX: u32 = 0x5450;
    const FIOCLEX: u32 = 0x5451;
    let file = file(call)?;
    let (fd, request, argument) = (call.int(0), call.args[1] as u32, call.args[2]);
    if matches!(request, FIOCLEX | FIONCLEX) {
        let on = request == FIOCLEX;
        call.process.files().set_close_on_exec(fd, on)?;
        return Ok(0);
    }
    let mut input = Vec::new();
    let len = control_input(&file, request);
    input.try_resize(len, 0)?;
    UserSlice::new(call.size(2), len)?.read(&mut input)?;
    let control = Request::Control {
        request,
        argument,
        input,
    };
    about_file(call, file, control)?.write_to(call.size(2), usize::MAX)?;
    // Of a session whose leader has done so nobody has it: that its home knows.
    if request == TIOCNOTTY && table().session_of(call.process.pid) != call.process.pid {
        let without = &call.process.without_terminal;
        without.store(true, Ordering::Relaxed);
    }
    Ok(0)
}
