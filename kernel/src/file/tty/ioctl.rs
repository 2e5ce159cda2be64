//! Requests to the terminal (ioctl_tty(2)).

use super::super::local::wake_console;
use super::{CONSOLE, Caller, available, background};
use crate::mem::user::{read_value, write_value};
use crate::process::{Pid, table};
use crate::signal::Signal;
use crate::syscall::call::SysResult;
use crate::syscall::errno::Errno;
use braid_files::line::{TERMIOS_SIZE, Termios};

const TCGETS: u32 = 0x5401;
const TCSETS: u32 = 0x5402;
const TCSETSW: u32 = 0x5403;
const TCSETSF: u32 = 0x5404;
const TCSBRK: u32 = 0x5409;
const TCXONC: u32 = 0x540a;
const TCFLSH: u32 = 0x540b;
const TIOCSCTTY: u32 = 0x540e;
const TIOCGPGRP: u32 = 0x540f;
const TIOCSPGRP: u32 = 0x5410;
const TIOCOUTQ: u32 = 0x5411;
const TIOCGWINSZ: u32 = 0x5413;
const TIOCSWINSZ: u32 = 0x5414;
const FIONREAD: u32 = 0x541b;
const TIOCNOTTY: u32 = 0x5422;
const TIOCGSID: u32 = 0x5429;

/// Carries out a request with its argument.
pub fn ioctl(caller: &Caller, request: u32, argument: usize) -> SysResult {
    match request {
        TCGETS => {
            let bytes = CONSOLE.lock().line.termios().to_bytes();
            write_value(argument, bytes)?;
        }
        TCSETS | TCSETSW | TCSETSF => {
            let bytes: [u8; TERMIOS_SIZE] = read_value(argument)?;
            background(caller, Signal::TTOU)?;
            let mut console = CONSOLE.lock();
            if request == TCSETSF {
                console.line.flush();
            }
            console.line.set_termios(Termios::from_bytes(&bytes));
            drop(console);
            wake_console();
        }
        TCFLSH => match argument {
            0 | 2 => CONSOLE.lock().line.flush(),
            1 => {}
            _ => return Err(Errno::EINVAL.into()),
        },
        TCSBRK | TCXONC | TIOCSCTTY | TIOCNOTTY => {}
        TIOCGPGRP => write_value(argument, CONSOLE.lock().foreground.raw())?,
        TIOCSPGRP => set_foreground(caller, argument)?,
        TIOCGSID => write_value(argument, CONSOLE.lock().session.raw())?,
        TIOCOUTQ => write_value(argument, 0u32)?,
        FIONREAD => write_value(argument, available() as u32)?,
        TIOCGWINSZ => {
            let console = CONSOLE.lock();
            let size = [console.rows, console.columns, 0, 0];
            drop(console);
            write_value(argument, size)?;
        }
        TIOCSWINSZ => {
            let [rows, columns, ..]: [u16; 4] = read_value(argument)?;
            super::resize(rows, columns);
        }
        _ => return Err(Errno::ENOTTY.into()),
    }
    Ok(0)
}

/// tcsetpgrp(3): the group has to be one of the caller's session.
fn set_foreground(caller: &Caller, argument: usize) -> Result<(), crate::syscall::call::Stop> {
    let group: i32 = read_value(argument)?;
    if group < 0 {
        return Err(Errno::EINVAL.into());
    }
    background(caller, Signal::TTOU)?;
    let session = table().session_of(caller.pid);
    let group = Pid::from_raw(group).ok_or(Errno::ESRCH)?;
    let members = table().group(group);
    let Some(member) = members.first() else {
        return Err(Errno::ESRCH.into());
    };
    let mut console = CONSOLE.lock();
    if session != console.session {
        return Err(Errno::ENOTTY.into());
    }
    if table().session_of(member.pid) != session {
        return Err(Errno::EPERM.into());
    }
    console.foreground = group;
    Ok(())
}
