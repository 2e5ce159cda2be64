//! Requests to the terminal (ioctl_tty(2)).

use super::super::caller::Caller;
use super::super::facts::{MAIN, is_main};
use super::super::local::wake_console;
use super::super::service::subject::bytes;
use super::{CONSOLE, Console, available, background, is_of, tell};
use crate::process::{Pid, table};
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use alloc::vec::Vec;
use braid_files::line::{TERMIOS_SIZE, Termios};
use braid_signals::Signal;
use spin::mutex::SpinMutexGuard;
use sync::Relax;
use tori::rings;
use torus::file::Message;

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
/// Bytes that can be read; answers an int.
pub const FIONREAD: u32 = 0x541b;
pub const TIOCNOTTY: u32 = 0x5422;
const TIOCGSID: u32 = 0x5429;

/// Bytes that a request takes from where its argument points.
pub fn input(request: u32) -> usize {
    match request {
        TCSETS | TCSETSW | TCSETSF => TERMIOS_SIZE,
        TIOCSPGRP => size_of::<i32>(),
        TIOCSWINSZ => size_of::<[u16; 4]>(),
        _ => 0,
    }
}

/// Carries out a request: `argument` is what the program passed, `input` the bytes there. Answers the bytes that it leaves there.
pub fn ioctl(
    caller: &dyn Caller,
    request: u32,
    argument: u64,
    input: &[u8],
) -> Result<Vec<u8>, Stop> {
    let word = |value: u32| Ok(bytes(&value.to_le_bytes())?);
    match request {
        TCGETS => return Ok(bytes(&CONSOLE.lock().line.termios().to_bytes())?),
        TIOCGPGRP => {
            let foreground = own(caller)?.foreground;
            return word(foreground.map_or(0, Pid::raw) as u32);
        }
        TIOCGSID => {
            let session = own(caller)?.session;
            return word(session.map_or(0, Pid::raw) as u32);
        }
        TIOCOUTQ => return word(0),
        FIONREAD => return word(available() as u32),
        TIOCGWINSZ => {
            let console = CONSOLE.lock();
            let [rows, columns] = [console.rows, console.columns].map(u16::to_le_bytes);
            drop(console);
            return Ok(bytes(&[
                rows[0], rows[1], columns[0], columns[1], 0, 0, 0, 0,
            ])?);
        }
        TIOCSCTTY => take(caller, argument != 0)?,
        TIOCNOTTY => give_up(caller)?,
        TIOCSWINSZ => {
            let [low, high, left, right, ..]: [u8; 8] = fixed(input)?;
            let (rows, columns) = ([low, high], [left, right]);
            super::resize(u16::from_le_bytes(rows), u16::from_le_bytes(columns));
        }
        TIOCSPGRP => set_foreground(caller, i32::from_le_bytes(fixed(input)?))?,
        _ => change(caller, request, argument, input)?,
    }
    Ok(Vec::new())
}

/// Requests that change what the foreground group has: a background group is told by SIGTTOU.
fn change(caller: &dyn Caller, request: u32, argument: u64, input: &[u8]) -> Result<(), Stop> {
    match request {
        TCSETS | TCSETSW | TCSETSF => {
            let termios = Termios::from_bytes(&fixed(input)?);
            background(caller, Signal::TTOU)?;
            let mut console = CONSOLE.lock();
            if request == TCSETSF {
                console.line.flush();
            }
            console.line.set_termios(termios);
            drop(console);
            wake_console();
        }
        TCFLSH => {
            background(caller, Signal::TTOU)?;
            match argument {
                0 | 2 => CONSOLE.lock().line.flush(),
                1 => {}
                _ => return Err(Errno::EINVAL.into()),
            }
        }
        TCSBRK | TCXONC => background(caller, Signal::TTOU)?,
        _ => return Err(Errno::ENOTTY.into()),
    }
    Ok(())
}

/// The input of a request that takes `N` bytes.
fn fixed<const N: usize>(input: &[u8]) -> Result<[u8; N], Errno> {
    input.try_into().map_err(|_| Errno::EFAULT)
}

/// The terminal, for those whose controlling terminal it is. ENOTTY for others.
fn own(caller: &dyn Caller) -> Result<SpinMutexGuard<'static, Console, Relax>, Errno> {
    let session = caller.who().session;
    let console = CONSOLE.lock();
    if is_of(console.session, session) {
        Ok(console)
    } else {
        Err(Errno::ENOTTY)
    }
}

/// TIOCSCTTY: it becomes the controlling terminal of the caller's session, which the caller leads. EPERM for others, and when another session
/// has it, unless user 0 takes it away (`steal`).
fn take(caller: &dyn Caller, steal: bool) -> Result<(), Errno> {
    let who = caller.who();
    let mut console = CONSOLE.lock();
    if who.leads && is_of(console.session, who.session) {
        return Ok(());
    }
    let is_free = console.session.is_none() || steal && who.identity.is_privileged();
    if !who.leads || !is_free {
        return Err(Errno::EPERM);
    }
    console.session = Pid::from_raw(who.session);
    console.foreground = Pid::from_raw(who.group);
    Ok(())
}

/// TIOCNOTTY: the caller has no controlling terminal any more, and if it leads the session nobody of that has, of whom those in the
/// foreground are told.
fn give_up(caller: &dyn Caller) -> Result<(), Errno> {
    let leads = caller.who().leads;
    let console = own(caller)?;
    if leads {
        set_free(console);
    }
    Ok(())
}

/// A process ends, of which nobody has been told yet: with its leader a session loses the terminal.
pub fn process_ends(process: Pid) {
    if table().session_of(process) != process {
        return;
    }
    if is_main() {
        leader_ended(process);
    } else {
        rings::send(MAIN, Message::Leaderless { leader: process });
    }
}

/// The leader of a session has ended, on whichever torus.
pub fn leader_ended(leader: Pid) {
    let console = CONSOLE.lock();
    if console.session == Some(leader) {
        set_free(console);
    }
}

/// The terminal is nobody's any more; those in the foreground are told.
fn set_free(mut console: SpinMutexGuard<'static, Console, Relax>) {
    console.session = None;
    let foreground = console.foreground.take();
    drop(console);
    tell(foreground, Signal::HUP);
    tell(foreground, Signal::CONT);
}

/// tcsetpgrp(3): the group has to be one of the caller's session. One that nobody on this torus is in is taken on trust: its members
/// may be elsewhere.
fn set_foreground(caller: &dyn Caller, group: i32) -> Result<(), Stop> {
    background(caller, Signal::TTOU)?;
    if group < 0 {
        return Err(Errno::EINVAL.into());
    }
    let session = caller.who().session;
    drop(own(caller)?);
    let group = Pid::from_raw(group).ok_or(Errno::ESRCH)?;
    let exists =
        |session| table().with(|families, effects| families.has_group(group, session, effects));
    let here = exists(None);
    if !here && tori::count() == 1 {
        return Err(Errno::ESRCH.into());
    }
    if here && !exists(Pid::from_raw(session)) {
        return Err(Errno::EPERM.into());
    }
    own(caller)?.foreground = Some(group);
    Ok(())
}
