//! Users and groups. There is no protection between users yet: the numbers are kept and given back, and a process that
//! has left user 0 stays outside as on Linux.

use crate::mem::user::{read_value, write_value};
use crate::syscall::call::{Call, SysResult};
use crate::syscall::errno::Errno;

/// User and group numbers of a process: real, effective, saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// Real user.
    pub uid: u32,
    /// Effective user.
    pub euid: u32,
    /// Saved user.
    pub suid: u32,
    /// Real group.
    pub gid: u32,
    /// Effective group.
    pub egid: u32,
    /// Saved group.
    pub sgid: u32,
}

impl Credentials {
    /// All of them, in order.
    pub const fn words(&self) -> [u32; 6] {
        [
            self.uid, self.euid, self.suid, self.gid, self.egid, self.sgid,
        ]
    }

    /// Of these numbers.
    pub const fn from_words([uid, euid, suid, gid, egid, sgid]: [u32; 6]) -> Self {
        Self {
            uid,
            euid,
            suid,
            gid,
            egid,
            sgid,
        }
    }
}

const KEEP: u32 = u32::MAX;

/// getuid(2).
pub fn getuid(call: &mut Call) -> SysResult {
    Ok(call.process.credentials.lock().uid as usize)
}

/// geteuid(2).
pub fn geteuid(call: &mut Call) -> SysResult {
    Ok(call.process.credentials.lock().euid as usize)
}

/// getgid(2).
pub fn getgid(call: &mut Call) -> SysResult {
    Ok(call.process.credentials.lock().gid as usize)
}

/// getegid(2).
pub fn getegid(call: &mut Call) -> SysResult {
    Ok(call.process.credentials.lock().egid as usize)
}

/// setuid(2).
pub fn setuid(call: &mut Call) -> SysResult {
    let id = call.args[0] as u32;
    let mut own = call.process.credentials.lock();
    if own.euid == 0 {
        (own.uid, own.euid, own.suid) = (id, id, id);
    } else if id == own.uid || id == own.suid {
        own.euid = id;
    } else {
        return Err(Errno::EPERM.into());
    }
    Ok(0)
}

/// setgid(2).
pub fn setgid(call: &mut Call) -> SysResult {
    let id = call.args[0] as u32;
    let mut own = call.process.credentials.lock();
    if own.euid == 0 {
        (own.gid, own.egid, own.sgid) = (id, id, id);
    } else if id == own.gid || id == own.sgid {
        own.egid = id;
    } else {
        return Err(Errno::EPERM.into());
    }
    Ok(0)
}

/// The first three arguments, as ids.
fn ids(call: &Call) -> [u32; 3] {
    let [real, effective, saved, ..] = call.args;
    [real, effective, saved].map(|id| id as u32)
}

/// setresuid(2); setreuid(2) leaves the saved user to it.
pub fn setresuid(call: &mut Call) -> SysResult {
    let mut own = call.process.credentials.lock();
    let [uid, euid, suid] = change(own.euid == 0, [own.uid, own.euid, own.suid], ids(call))?;
    (own.uid, own.euid, own.suid) = (uid, euid, suid);
    Ok(0)
}

/// setresgid(2).
pub fn setresgid(call: &mut Call) -> SysResult {
    let mut own = call.process.credentials.lock();
    let [gid, egid, sgid] = change(own.euid == 0, [own.gid, own.egid, own.sgid], ids(call))?;
    (own.gid, own.egid, own.sgid) = (gid, egid, sgid);
    Ok(0)
}

/// setreuid(2).
pub fn setreuid(call: &mut Call) -> SysResult {
    call.args[2] = call.args[1];
    setresuid(call)
}

/// setregid(2).
pub fn setregid(call: &mut Call) -> SysResult {
    call.args[2] = call.args[1];
    setresgid(call)
}

fn change(privileged: bool, old: [u32; 3], new: [u32; 3]) -> Result<[u32; 3], Errno> {
    if !privileged && new.iter().any(|id| *id != KEEP && !old.contains(id)) {
        return Err(Errno::EPERM);
    }
    Ok(core::array::from_fn(|i| {
        if new[i] == KEEP { old[i] } else { new[i] }
    }))
}

/// getresuid(2).
pub fn getresuid(call: &mut Call) -> SysResult {
    let own = *call.process.credentials.lock();
    write_ids(call, [own.uid, own.euid, own.suid])
}

/// getresgid(2).
pub fn getresgid(call: &mut Call) -> SysResult {
    let own = *call.process.credentials.lock();
    write_ids(call, [own.gid, own.egid, own.sgid])
}

fn write_ids(call: &Call, ids: [u32; 3]) -> SysResult {
    for (index, id) in ids.into_iter().enumerate() {
        write_value(call.size(index), id)?;
    }
    Ok(0)
}

/// getgroups(2): there are no supplementary groups.
pub fn getgroups(call: &mut Call) -> SysResult {
    if call.int(0) < 0 {
        Err(Errno::EINVAL.into())
    } else {
        Ok(0)
    }
}

/// setgroups(2): accepted from user 0, without effect.
pub fn setgroups(call: &mut Call) -> SysResult {
    let count = call.int(0);
    if !(0..=65536).contains(&count) {
        return Err(Errno::EINVAL.into());
    }
    if call.process.credentials.lock().euid != 0 {
        return Err(Errno::EPERM.into());
    }
    if count > 0 {
        let _: u32 = read_value(call.size(1))?;
    }
    Ok(0)
}
