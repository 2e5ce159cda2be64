//! Calls that go on elsewhere, and signals that wait, in a process's image.

use crate::syscall::call::{InFlight, TimeLeft, Wait};
use crate::syscall::errno::Errno;
use braid_signals::info::Fields;
use braid_signals::{SigInfo, Signal};
use braid_threads::interruption::Interruption;
use braid_time::Nanos;
use ipc::LentError;
use ipc::words::{Reader, Writer};

/// Writes the call of a thread that has to run again, if there is one.
pub(super) fn write_call(to: &mut Writer, call: Option<InFlight>) -> Result<(), LentError> {
    let Some(call) = call else {
        return to.put(0);
    };
    let (left, at) = match call.left {
        TimeLeft::Untold => (0, 0),
        TimeLeft::Interrupted(at) => (1, at),
        TimeLeft::Timespec(at) => (2, at),
        TimeLeft::Timeval(at) => (3, at),
    };
    let wait = match call.wait {
        Wait::Call(interruption) => interruption as u64,
        Wait::Memory => FOR_MEMORY,
        Wait::Answer => FOR_ANSWER,
    };
    to.put_all([
        1,
        call.done as u64,
        call.deadline.map_or(u64::MAX, |at| at.get()),
        call.is_timed.into(),
        call.runs.into(),
        call.word,
        left,
        at as u64,
        wait,
    ])
}

/// What a call waits for, besides the kinds of [`Interruption`].
const FOR_MEMORY: u64 = 0x100;
const FOR_ANSWER: u64 = 0x101;

/// Reads what [`write_call`] wrote.
pub(super) fn read_call(from: &mut Reader) -> Result<Option<InFlight>, Errno> {
    if from.get()? == 0 {
        return Ok(None);
    }
    let [done, deadline, is_timed, runs, word, left, at, wait] = from.array()?;
    let at = at as usize;
    Ok(Some(InFlight {
        done: done as usize,
        deadline: (deadline != u64::MAX).then_some(Nanos::new(deadline)),
        is_timed: is_timed != 0,
        runs: runs as u32,
        word,
        left: match left {
            0 => TimeLeft::Untold,
            1 => TimeLeft::Interrupted(at),
            2 => TimeLeft::Timespec(at),
            _ => TimeLeft::Timeval(at),
        },
        wait: match wait {
            FOR_MEMORY => Wait::Memory,
            FOR_ANSWER => Wait::Answer,
            kind => Wait::Call(Interruption::of_word(kind).ok_or(Errno::EINVAL)?),
        },
    }))
}

/// Writes what is told of a signal.
pub(super) fn write_signal(to: &mut Writer, info: &SigInfo) -> Result<(), LentError> {
    let [kind, a, b, c] = match info.fields {
        Fields::None => [0; 4],
        Fields::Sender { pid, uid, value } => [1, pid as u64, uid.into(), value],
        Fields::Fault { address } => [2, address, 0, 0],
        Fields::Child { pid, uid, status } => [3, pid as u64, uid.into(), status as u64],
    };
    to.put_all([info.signal.number() as u64, info.code as u64, kind, a, b, c])
}

/// Reads what [`write_signal`] wrote.
pub(super) fn read_signal(from: &mut Reader) -> Result<SigInfo, Errno> {
    let [number, code, kind, a, b, c] = from.array()?;
    let (pid, uid, status) = (a as i32, b as u32, c as i32);
    let fields = match kind {
        0 => Fields::None,
        1 => Fields::Sender { pid, uid, value: c },
        2 => Fields::Fault { address: a },
        _ => Fields::Child { pid, uid, status },
    };
    Ok(SigInfo {
        signal: Signal::new(number as i32).ok_or(Errno::EINVAL)?,
        code: code as i32,
        fields,
    })
}
