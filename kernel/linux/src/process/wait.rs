//! Waiting for children: wait4(2) and waitid(2).

use super::effects::about_child;
use super::{Pid, table};
use crate::syscall::call::{Call, Stop, SysResult};
use crate::syscall::errno::Errno;
use mem::user::{UserSlice, write_value};
use sched::Used;
use torus::family::{Found, News, NoChild, Wanted, Whom};

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

impl Options {
    fn wanted(self) -> Wanted {
        Wanted {
            ended: self.contains(Self::EXITED),
            stopped: self.contains(Self::STOPPED),
            continued: self.contains(Self::CONTINUED),
            keep: self.contains(Self::NOWAIT),
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
        let status = match found.news {
            News::Ended(ended) => ended.status,
            News::Changed { report, .. } => report.status(),
        };
        write_value(call.size(1), status)?;
    }
    write_usage(call, 3, found)?;
    Ok(found.child.raw() as usize)
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
        match found {
            None => slice.zero(128)?,
            Some(Found { child, news }) => slice.write(&about_child(child, news).bytes())?,
        }
    }
    if let Some(found) = found {
        write_usage(call, 4, found)?;
    }
    Ok(0)
}

/// Writes what a child that has ended used to where argument `index` points; of one that lives nothing is known here.
fn write_usage(call: &Call, index: usize, found: Found) -> Result<(), Stop> {
    if call.args[index] == 0 {
        return Ok(());
    }
    let usage = super::time::usage(used(found.news));
    UserSlice::new(call.size(index), usage.len())?.write(&usage)?;
    Ok(())
}

/// What a child used, with the children that it collected.
fn used(news: News) -> Used {
    match news {
        News::Ended(ended) => Used {
            user: ended.user_time,
            system: ended.system_time,
        },
        News::Changed { .. } => Used::default(),
    }
}

/// The process or group of a number; nobody's child has a number that there is not.
fn named(number: i32) -> Result<Pid, Errno> {
    Pid::from_raw(number).ok_or(Errno::ECHILD)
}

/// One look at the children: `None` with WNOHANG when nothing has happened.
fn look(call: &mut Call, whom: Whom, options: Options) -> Result<Option<Found>, Stop> {
    let me = call.process;
    let wanted = options.wanted();
    let found = table().with(|families, effects| {
        let found = families.wait(me.pid, whom, wanted, effects);
        if found == Ok(None) && !options.contains(Options::NOHANG) {
            me.children_changed.enrol();
            return Err(Stop::Block);
        }
        found.map_err(|NoChild| Errno::ECHILD.into())
    })?;
    if let Some(found) = found
        && !wanted.keep
    {
        me.times.add_children(used(found.news));
    }
    Ok(found)
}
