//! Waiting for children: wait4(2) and waitid(2).

use super::table::{Entry, Inner, Life, Report};
use super::{Pid, Process, end, table};
use crate::mem::user::{UserSlice, write_value};
use crate::signal::Signal;
use crate::signal::info::{Fields, SigInfo};
use crate::syscall::call::{Call, Stop, SysResult};
use crate::syscall::errno::Errno;
use alloc::sync::Arc;

bitflags::bitflags! {
    /// Options of wait4 and waitid.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct Options: u32 {
        const NOHANG = 1;
        const STOPPED = 2;
        const EXITED = 4;
        const CONTINUED = 8;
        const NOWAIT = 0x0100_0000;
        const NOTHREAD = 0x2000_0000;
        const ALL = 0x4000_0000;
        const CLONE = 0x8000_0000;
    }
}

/// Whom to wait for.
#[derive(Clone, Copy)]
enum Whom {
    Any,
    One(Pid),
    Group(Pid),
}

/// What was found: a child and what became of it.
struct Found {
    child: Arc<Process>,
    what: What,
}

#[derive(Clone, Copy)]
enum What {
    Ended(u32),
    Changed(Report),
}

impl What {
    fn status(self) -> u32 {
        match self {
            Self::Ended(status) => status,
            Self::Changed(Report::Stopped(signal)) => (signal.number() as u32) << 8 | 0x7f,
            Self::Changed(Report::Continued) => 0xffff,
        }
    }

    fn code(self) -> (i32, i32) {
        match self {
            Self::Ended(status) => end::code_of(status),
            Self::Changed(Report::Stopped(signal)) => (super::table::CLD_STOPPED, signal.number()),
            Self::Changed(Report::Continued) => {
                (super::table::CLD_CONTINUED, Signal::CONT.number())
            }
        }
    }
}

/// wait4(2).
pub fn wait4(call: &mut Call) -> SysResult {
    let options = Options::from_bits(call.args[2] as u32).ok_or(Errno::EINVAL)?;
    if options.intersects(Options::EXITED | Options::NOWAIT) {
        return Err(Errno::EINVAL.into());
    }
    let whom = match call.int(0) {
        -1 => Whom::Any,
        0 => Whom::Group(table().group_of(call.process.pid)),
        i32::MIN => return Err(Errno::ESRCH.into()),
        pid @ 1.. => Whom::One(named(pid)?),
        group => Whom::Group(named(-group)?),
    };
    let Some(found) = look(call, whom, options | Options::EXITED)? else {
        return Ok(0);
    };
    if call.args[1] != 0 {
        write_value(call.size(1), found.what.status())?;
    }
    if call.args[3] != 0 {
        let usage = super::time::usage(found.child.times.own() + found.child.times.children());
        UserSlice::new(call.size(3), usage.len())?.write(&usage)?;
    }
    Ok(found.child.pid.raw() as usize)
}

/// waitid(2).
pub fn waitid(call: &mut Call) -> SysResult {
    let options = Options::from_bits(call.args[3] as u32).ok_or(Errno::EINVAL)?;
    if !options.intersects(Options::EXITED | Options::STOPPED | Options::CONTINUED) {
        return Err(Errno::EINVAL.into());
    }
    let id = call.int(1);
    let whom = match call.int(0) {
        0 => Whom::Any,
        1 if id > 0 => Whom::One(named(id)?),
        2 if id == 0 => Whom::Group(table().group_of(call.process.pid)),
        2 if id > 0 => Whom::Group(named(id)?),
        _ => return Err(Errno::EINVAL.into()),
    };
    let found = look(call, whom, options)?;
    if call.args[2] != 0 {
        let slice = UserSlice::new(call.size(2), 128)?;
        match &found {
            None => slice.zero(128)?,
            Some(Found { child, what }) => {
                let (code, status) = what.code();
                let uid = child.credentials.lock().uid;
                let fields = Fields::Child {
                    pid: child.pid.raw(),
                    uid,
                    status,
                };
                slice.write(
                    &SigInfo {
                        signal: Signal::CHLD,
                        code,
                        fields,
                    }
                    .bytes(),
                )?;
            }
        }
    }
    if call.args[4] != 0
        && let Some(found) = &found
    {
        let usage = super::time::usage(found.child.times.own() + found.child.times.children());
        UserSlice::new(call.size(4), usage.len())?.write(&usage)?;
    }
    Ok(0)
}

/// The process or group of a number; nobody's child has a number that there is not.
fn named(number: i32) -> Result<Pid, Errno> {
    Pid::from_raw(number).ok_or(Errno::ECHILD)
}

/// One look at the children: `None` with WNOHANG when nothing has happened.
fn look(call: &mut Call, whom: Whom, options: Options) -> Result<Option<Found>, Stop> {
    let me = call.process;
    let mut inner = table().inner.lock();
    let (found, any) = search(&inner, me.pid, whom, options);
    let Some(pid) = found else {
        if !any {
            return Err(Errno::ECHILD.into());
        }
        if options.contains(Options::NOHANG) {
            return Ok(None);
        }
        me.children_changed.enrol();
        return Err(Stop::Block);
    };
    Ok(collect(&mut inner, me, pid, options))
}

/// The first matching child with news, and whether any child matches at all.
fn search(inner: &Inner, me: Pid, whom: Whom, options: Options) -> (Option<Pid>, bool) {
    let mut any = false;
    let Some(mine) = inner.entries.get(&me) else {
        return (None, false);
    };
    for child in &mine.children {
        let Some(entry) = inner.entries.get(child) else {
            continue;
        };
        let matches = match whom {
            Whom::Any => true,
            Whom::One(pid) => *child == pid,
            Whom::Group(group) => entry.group == group,
        };
        any |= matches;
        if matches && news(entry, options).is_some() {
            return (Some(*child), true);
        }
    }
    (None, any)
}

fn news(entry: &Entry, options: Options) -> Option<What> {
    match (entry.life, entry.report) {
        (Life::Zombie(status), _) if options.contains(Options::EXITED) => Some(What::Ended(status)),
        (Life::Live, Some(report @ Report::Stopped(_))) if options.contains(Options::STOPPED) => {
            Some(What::Changed(report))
        }
        (Life::Live, Some(Report::Continued)) if options.contains(Options::CONTINUED) => {
            Some(What::Changed(Report::Continued))
        }
        _ => None,
    }
}

/// Takes the news of a child: a zombie is gone afterwards (not with WNOWAIT).
fn collect(inner: &mut Inner, me: &Process, pid: Pid, options: Options) -> Option<Found> {
    let entry = inner.entries.get_mut(&pid)?;
    let what = news(entry, options)?;
    let child = entry.process.clone();
    if !options.contains(Options::NOWAIT) {
        match what {
            What::Ended(_) => {
                me.times.add_child(&child.times);
                drop(inner.remove(pid));
            }
            What::Changed(_) => entry.report = None,
        }
    }
    Some(Found { child, what })
}
