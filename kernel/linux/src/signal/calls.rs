//! The system calls about signals.

use super::give::force;
use super::{alarm, frame};
use crate::process::remote::{ask, value};
use crate::process::{Pid, table};
use crate::syscall::call::{Call, Stop, SysResult};
use crate::syscall::errno::Errno;
use braid_signals::UNMASKABLE;
use braid_signals::action::{Action, ActionFlags};
use braid_signals::info::{SI_TKILL, SI_USER};
use braid_signals::stack::AltStack;
use braid_signals::{SigInfo, Signal};
use mem::user::{read_value, write_value};
use torus::family::{Carried, Crowd, Members, Sent, Told};

/// Bytes of the kernel's sigset_t.
const SET: usize = 8;

/// rt_sigaction(2).
pub fn rt_sigaction(call: &mut Call) -> SysResult {
    if call.size(3) != SET {
        return Err(Errno::EINVAL.into());
    }
    let signal = Signal::new(call.int(0)).ok_or(Errno::EINVAL)?;
    let new = if call.args[1] == 0 {
        None
    } else {
        let [handler, flags, restorer, mask]: [u64; 4] = read_value(call.size(1))?;
        if signal.bit() & UNMASKABLE != 0 {
            return Err(Errno::EINVAL.into());
        }
        let flags = ActionFlags::from_bits_retain(flags);
        Some(Action {
            handler,
            flags,
            restorer,
            mask: mask & !UNMASKABLE,
        })
    };
    let mut actions = call.process.actions.lock();
    let old = actions.get(signal);
    if let Some(new) = new {
        actions.set(signal, new);
        if actions.ignores(signal) {
            call.thread.signals.discard(signal.bit());
        }
    }
    drop(actions);
    if call.args[2] != 0 {
        write_value(
            call.size(2),
            [old.handler, old.flags.bits(), old.restorer, old.mask],
        )?;
    }
    Ok(0)
}

/// rt_sigprocmask(2).
pub fn rt_sigprocmask(call: &mut Call) -> SysResult {
    if call.size(3) != SET {
        return Err(Errno::EINVAL.into());
    }
    let old = call.thread.signals.mask();
    if call.args[1] != 0 {
        let set: u64 = read_value(call.size(1))?;
        let new = match call.int(0) {
            0 => old | set,
            1 => old & !set,
            2 => set,
            _ => return Err(Errno::EINVAL.into()),
        };
        set_mask(call, new);
    }
    if call.args[2] != 0 {
        write_value(call.size(2), old)?;
    }
    Ok(0)
}

fn set_mask(call: &Call, mask: u64) {
    call.thread.signals.set_mask(mask);
    if call.thread.signals.is_due() {
        call.thread.note_attention();
    }
}

/// rt_sigpending(2).
pub fn rt_sigpending(call: &mut Call) -> SysResult {
    if call.size(1) > SET {
        return Err(Errno::EINVAL.into());
    }
    let signals = &call.thread.signals;
    write_value(call.size(0), signals.pending() & signals.mask())?;
    Ok(0)
}

/// rt_sigreturn(2). A frame that cannot be read ends the process with SIGSEGV.
pub fn rt_sigreturn(call: &mut Call) -> SysResult {
    match frame::pop(call.thread) {
        Err(Stop::Errno(_)) => {
            force(call.thread, SigInfo::kernel(Signal::SEGV));
            Ok(0)
        }
        other => other,
    }
}

/// Blocks other signals than usual until this call ends (sigsuspend, ppoll, pselect): those that `read` says, which is asked once,
/// however often the call runs.
pub fn with_mask(call: &Call, read: impl FnOnce(&Call) -> Result<u64, Stop>) -> Result<(), Stop> {
    let signals = &call.thread.signals;
    if call.thread.own().saved_mask.get().is_none() {
        let mask = read(call)?;
        call.thread.own().saved_mask.set(Some(signals.mask()));
        call.thread.own().unsettled.set(true);
        set_mask(call, mask);
    }
    Ok(())
}

/// rt_sigsuspend(2).
pub fn rt_sigsuspend(call: &mut Call) -> SysResult {
    if call.size(1) != SET {
        return Err(Errno::EINVAL.into());
    }
    with_mask(call, |call| Ok(read_value(call.size(0))?))?;
    Err(Stop::Block)
}

/// pause(2).
pub fn pause(_: &mut Call) -> SysResult {
    Err(Stop::Block)
}

/// rt_sigtimedwait(2): takes a pending signal, also one that no mask holds back. One that would end the process does that instead.
pub fn rt_sigtimedwait(call: &mut Call) -> SysResult {
    if call.size(3) != SET {
        return Err(Errno::EINVAL.into());
    }
    let set: u64 = read_value(call.size(0))?;
    call.set_deadline(|call| match call.args[2] {
        0 => Ok(None),
        _ => crate::process::time::deadline_after(call.size(2)).map(Some),
    })?;
    let signals = &call.thread.signals;
    let fatal = call.process.actions.lock().fatal() & !signals.mask();
    if let Some(info) = signals.take(set & !UNMASKABLE & !fatal) {
        alarm::taken(call.thread, info.signal);
        if call.args[1] != 0 {
            write_value(call.size(1), info.bytes())?;
        }
        return Ok(info.signal.number() as usize);
    }
    if call.inflight.is_over() {
        return Err(Errno::EAGAIN.into());
    }
    Err(Stop::Block)
}

/// sigaltstack(2).
pub fn sigaltstack(call: &mut Call) -> SysResult {
    let alt = call.thread.own().altstack.get();
    let on_alt = alt.size > 0 && alt.contains(call.thread.regs().rsp);
    let old = frame::stack_words(call.thread, on_alt);
    if call.args[0] != 0 {
        let given = read_value(call.size(0))?;
        if on_alt {
            return Err(Errno::EPERM.into());
        }
        let new = AltStack::checked(given)?;
        call.thread.own().altstack.set(new);
    }
    if call.args[1] != 0 {
        write_value(call.size(1), old)?;
    }
    Ok(0)
}

/// kill(2).
pub fn kill(call: &mut Call) -> SysResult {
    let pid = call.int(0);
    let sent = sent(call, call.int(1), SI_USER)?;
    let members = match pid {
        1.. => return to_process(call, pid, sent, sent.carried()),
        0 => Members::Group(table().group_of(call.process.pid)),
        -1 => Members::Others,
        _ => Members::Group(named(pid.checked_neg().ok_or(Errno::ESRCH)?)?),
    };
    let me = call.process.pid;
    let crowd = Crowd {
        members,
        session: None,
    };
    let answer = ask(call, 1, |families, token, effects| {
        families.to_crowd(Some((me, token)), crowd, Told::Signal(sent), effects);
    })?;
    value(answer)
}

/// tkill(2).
pub fn tkill(call: &mut Call) -> SysResult {
    to_thread(call, call.int(0), call.int(1))
}

/// tgkill(2).
pub fn tgkill(call: &mut Call) -> SysResult {
    if call.int(0) <= 0 || call.int(1) <= 0 {
        return Err(Errno::EINVAL.into());
    }
    if call.int(0) != call.int(1) {
        return Err(Errno::ESRCH.into());
    }
    to_thread(call, call.int(1), call.int(2))
}

fn to_thread(call: &mut Call, tid: i32, number: i32) -> SysResult {
    if tid <= 0 {
        return Err(Errno::EINVAL.into());
    }
    let sent = sent(call, number, SI_TKILL)?;
    to_process(call, tid, sent, sent.carried())
}

fn to_process(call: &mut Call, pid: i32, sent: Sent, carried: Carried) -> SysResult {
    let to = named(pid)?;
    let answer = ask(call, 1, |families, token, effects| {
        families.signal_one(to, token, (sent, carried), effects);
    })?;
    value(answer)
}

/// rt_sigqueueinfo(2): a signal with what its sender says of itself. Of siginfo_t the code, si_pid, si_uid and si_value are carried.
pub fn rt_sigqueueinfo(call: &mut Call) -> SysResult {
    queue(call, call.int(0), call.int(1), call.size(2))
}

/// rt_tgsigqueueinfo(2).
pub fn rt_tgsigqueueinfo(call: &mut Call) -> SysResult {
    let (process, thread) = (call.int(0), call.int(1));
    if process <= 0 || thread <= 0 {
        return Err(Errno::EINVAL.into());
    }
    if process != thread {
        return Err(Errno::ESRCH.into());
    }
    queue(call, thread, call.int(2), call.size(3))
}

fn queue(call: &mut Call, pid: i32, number: i32, info: usize) -> SysResult {
    let [_, code, sender, value]: [u64; 4] = read_value(info)?;
    let code = (code as u32).cast_signed();
    // Nobody is told that the kernel, or kill, has sent what somebody else did.
    if (code >= 0 || code == SI_TKILL) && pid != call.process.pid.raw() {
        return Err(Errno::EPERM.into());
    }
    let sent = sent(call, number, code)?;
    to_process(call, pid, sent, Carried { sender, value })
}

/// The process or group of a number.
fn named(pid: i32) -> Result<Pid, Errno> {
    Pid::from_raw(pid).ok_or(Errno::ESRCH)
}

/// The signal of a number, sent by the caller; 0 only asks whether the target exists.
fn sent(call: &Call, number: i32, code: i32) -> Result<Sent, Errno> {
    if number != 0 {
        Signal::new(number).ok_or(Errno::EINVAL)?;
    }
    let user = call.process.credentials.lock().user;
    Ok(Sent {
        signal: number as u32,
        code,
        from: Some(call.process.pid),
        uid: user.real,
        euid: user.effective,
        session: Some(table().session_of(call.process.pid)),
    })
}
