//! Users and groups: the calls by which a process learns and changes who it is. The rules are in `braid_files::credentials`.

use crate::process::{Process, limits, users};
use crate::syscall::call::{Call, SysResult};
use crate::syscall::errno::Errno;
use braid_files::credentials::{Credentials, GROUPS_MAX, Groups, Ids};
use braid_files::error::FileError;
use core::sync::atomic::Ordering;
use mem::user::{UserSlice, read_value, write_value};

/// NGROUPS_MAX: more in one call is not even a number of groups on Linux.
const NGROUPS_MAX: i32 = 65536;

/// The credentials that a process has now.
pub fn of(process: &Process) -> Credentials {
    *process.credentials.lock()
}

/// Changes who the caller is, and whose process it counts as. Who acts as somebody else than before is not told any more when its
/// parent ends (prctl(2), PR_SET_PDEATHSIG).
fn change<R>(
    call: &Call,
    change: impl FnOnce(&mut Credentials) -> Result<R, FileError>,
) -> Result<R, Errno> {
    let mut own = call.process.credentials.lock();
    let before = *own;
    let result = own.change(change)?;
    let user = own.user.real;
    let moved = user != before.user.real;
    if !own.acts_as(&before) {
        call.process.at_parents_end.store(0, Ordering::Relaxed);
    }
    drop(own);
    if moved {
        // As on Linux this does not fail: many programs never look, and would go on as who they were. The next program would.
        call.process.beyond_limit.store(
            user != 0 && is_beyond_limit(call.process, user),
            Ordering::Relaxed,
        );
        users::set_counted(call.process, true);
    }
    Ok(result)
}

/// Whether a user has more processes than the limit of this one says.
fn is_beyond_limit(process: &Process, user: u32) -> bool {
    let limit = process.limits.lock().current(limits::NPROC);
    limit != limits::INFINITY && users::count(user) > limit
}

/// Whether a process may execute a program: EAGAIN when it has become a user's who had too many processes, and still has.
pub fn check_limit(process: &Process) -> Result<(), Errno> {
    let user = process.credentials.lock().user.real;
    if process.beyond_limit.load(Ordering::Relaxed) && is_beyond_limit(process, user) {
        return Err(Errno::EAGAIN);
    }
    process.beyond_limit.store(false, Ordering::Relaxed);
    Ok(())
}

/// getuid(2).
pub fn getuid(call: &mut Call) -> SysResult {
    Ok(of(call.process).user.real as usize)
}

/// geteuid(2).
pub fn geteuid(call: &mut Call) -> SysResult {
    Ok(of(call.process).user.effective as usize)
}

/// getgid(2).
pub fn getgid(call: &mut Call) -> SysResult {
    Ok(of(call.process).group.real as usize)
}

/// getegid(2).
pub fn getegid(call: &mut Call) -> SysResult {
    Ok(of(call.process).group.effective as usize)
}

/// The first three arguments, as ids.
fn ids(call: &Call) -> [u32; 3] {
    let [real, effective, saved, ..] = call.args;
    [real, effective, saved].map(|id| id as u32)
}

/// Changes the users; `change` is told whether everything is allowed.
fn users(call: &Call, by: impl FnOnce(&mut Ids, bool) -> Result<(), FileError>) -> SysResult {
    change(call, |own| {
        let privileged = own.is_privileged();
        by(&mut own.user, privileged)
    })?;
    Ok(0)
}

/// As [`users`], the groups.
fn groups(call: &Call, by: impl FnOnce(&mut Ids, bool) -> Result<(), FileError>) -> SysResult {
    change(call, |own| {
        let privileged = own.is_privileged();
        by(&mut own.group, privileged)
    })?;
    Ok(0)
}

/// setuid(2).
pub fn setuid(call: &mut Call) -> SysResult {
    let [id, ..] = ids(call);
    users(call, |own, privileged| own.set(privileged, id))
}

/// setgid(2).
pub fn setgid(call: &mut Call) -> SysResult {
    let [id, ..] = ids(call);
    groups(call, |own, privileged| own.set(privileged, id))
}

/// setreuid(2).
pub fn setreuid(call: &mut Call) -> SysResult {
    let [real, effective, _] = ids(call);
    users(call, |own, privileged| {
        own.set_two(privileged, [real, effective])
    })
}

/// setregid(2).
pub fn setregid(call: &mut Call) -> SysResult {
    let [real, effective, _] = ids(call);
    groups(call, |own, privileged| {
        own.set_two(privileged, [real, effective])
    })
}

/// setresuid(2).
pub fn setresuid(call: &mut Call) -> SysResult {
    let new = ids(call);
    users(call, |own, privileged| own.set_three(privileged, new))
}

/// setresgid(2).
pub fn setresgid(call: &mut Call) -> SysResult {
    let new = ids(call);
    groups(call, |own, privileged| own.set_three(privileged, new))
}

/// setfsuid(2): answers the old one in any case.
pub fn setfsuid(call: &mut Call) -> SysResult {
    let [id, ..] = ids(call);
    let old = change(call, |own| {
        let privileged = own.is_privileged();
        Ok(own.user.set_files(privileged, id))
    })?;
    Ok(old as usize)
}

/// setfsgid(2): answers the old one in any case.
pub fn setfsgid(call: &mut Call) -> SysResult {
    let [id, ..] = ids(call);
    let old = change(call, |own| {
        let privileged = own.is_privileged();
        Ok(own.group.set_files(privileged, id))
    })?;
    Ok(old as usize)
}

/// getresuid(2).
pub fn getresuid(call: &mut Call) -> SysResult {
    write_ids(call, of(call.process).user)
}

/// getresgid(2).
pub fn getresgid(call: &mut Call) -> SysResult {
    write_ids(call, of(call.process).group)
}

fn write_ids(call: &Call, ids: Ids) -> SysResult {
    let ids = [ids.real, ids.effective, ids.saved];
    for (index, id) in ids.into_iter().enumerate() {
        write_value(call.size(index), id)?;
    }
    Ok(0)
}

/// getgroups(2).
pub fn getgroups(call: &mut Call) -> SysResult {
    let own = of(call.process).groups;
    let room = usize::try_from(call.int(0)).map_err(|_| Errno::EINVAL)?;
    let count = own.ids().len();
    if room == 0 {
        return Ok(count);
    }
    if room < count {
        return Err(Errno::EINVAL.into());
    }
    let out = UserSlice::new(call.size(1), size_of_val(own.ids()))?;
    for (index, id) in own.ids().iter().enumerate() {
        out.skip(index * size_of::<u32>())
            .write(&id.to_le_bytes())?;
    }
    Ok(count)
}

/// setgroups(2). EINVAL for more than [`GROUPS_MAX`], of which Linux takes 65536.
pub fn setgroups(call: &mut Call) -> SysResult {
    if !of(call.process).is_privileged() {
        return Err(Errno::EPERM.into());
    }
    let count = call.int(0);
    if !(0..=NGROUPS_MAX).contains(&count) || count as usize > GROUPS_MAX {
        return Err(Errno::EINVAL.into());
    }
    let mut ids = [0u32; GROUPS_MAX];
    let ids = &mut ids[..count as usize];
    for (index, id) in ids.iter_mut().enumerate() {
        *id = read_value(call.size(1).wrapping_add(index * size_of::<u32>()))?;
    }
    let mut new = Groups::new(ids.iter().copied()).ok_or(Errno::EINVAL)?;
    new.sort();
    change(call, |own| {
        own.groups = new;
        Ok(())
    })?;
    Ok(0)
}

/// Versions of capget(2)'s header.
const VERSION_1: u32 = 0x1998_0330;
const VERSION_2: u32 = 0x2007_1026;
const VERSION_3: u32 = 0x2008_0522;
/// Every capability of Linux 6.1 (CAP_LAST_CAP is 40).
const ALL: u64 = (1 << 41) - 1;

/// Words of a capability set in the layout that a header's version names. An unknown version is answered with the newest one.
fn words_of(header: usize) -> Result<Option<usize>, crate::syscall::call::Stop> {
    match read_value::<u32>(header)? {
        VERSION_1 => Ok(Some(1)),
        VERSION_2 | VERSION_3 => Ok(Some(2)),
        _ => {
            write_value(header, VERSION_3)?;
            Ok(None)
        }
    }
}

/// Effective and permitted capabilities: all or none.
fn capabilities(own: &Credentials) -> [u64; 2] {
    let Ids {
        real,
        effective,
        saved,
        ..
    } = own.user;
    let all_if = |yes| if yes { ALL } else { 0 };
    [
        all_if(effective == 0),
        all_if([real, effective, saved].contains(&0)),
    ]
}

/// capget(2), of the caller or another process of this torus.
pub fn capget(call: &mut Call) -> SysResult {
    let Some(words) = words_of(call.size(0))? else {
        return match call.args[1] {
            0 => Ok(0),
            _ => Err(Errno::EINVAL.into()),
        };
    };
    let pid: i32 = read_value(call.size(0).wrapping_add(4))?;
    if pid < 0 {
        return Err(Errno::EINVAL.into());
    }
    let own = match super::Pid::from_raw(pid) {
        None => of(call.process),
        Some(pid) => of(&*super::table().get(pid).ok_or(Errno::ESRCH)?),
    };
    if call.args[1] == 0 {
        return Ok(0);
    }
    let [effective, permitted] = capabilities(&own);
    for word in 0..words {
        let part = |set: u64| (set >> (32 * word)) as u32;
        let set = [part(effective), part(permitted), 0];
        write_value(call.size(1).wrapping_add(word * size_of_val(&set)), set)?;
    }
    Ok(0)
}

/// capset(2): there are no single capabilities, so that only what the caller has anyway can be set. EPERM for anything else: who
/// thinks that it has given something up must not go on.
pub fn capset(call: &mut Call) -> SysResult {
    let Some(words) = words_of(call.size(0))? else {
        return Err(Errno::EINVAL.into());
    };
    let pid: i32 = read_value(call.size(0).wrapping_add(4))?;
    if pid != 0 && pid != call.process.pid.raw() {
        return Err(Errno::EPERM.into());
    }
    let mut wanted = [0u64; 3];
    for word in 0..words {
        let set: [u32; 3] = read_value(call.size(1).wrapping_add(word * 12))?;
        for (wanted, part) in wanted.iter_mut().zip(set) {
            *wanted |= u64::from(part) << (32 * word);
        }
    }
    let [effective, permitted] = capabilities(&of(call.process));
    if wanted == [effective, permitted, 0] {
        Ok(0)
    } else {
        Err(Errno::EPERM.into())
    }
}
