//! Clocks, sleeping, and processor time.

use crate::process::Thread;
use crate::syscall::call::{Call, InFlight, Stop, SysResult, TimeLeft};
use crate::syscall::errno::Errno;
use braid_time::Nanos;
use machine::time as clock;
use mem::user::{UserSlice, read_value, write_value};
use sched::Used;
use tori::counters;

const SECOND: u64 = 1_000_000_000;
/// Clock ticks per second of times(2) (AT_CLKTCK).
pub const TICKS: u64 = 100;
const TIMER_ABSTIME: i32 = 1;
const RUSAGE: usize = 144;

/// What a clock number of clock_gettime(2) shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Clock {
    Wall,
    Monotonic,
    Processor,
}

fn clock_of(id: i32) -> Result<Clock, Errno> {
    match id {
        // REALTIME, REALTIME_COARSE, REALTIME_ALARM, TAI.
        0 | 5 | 8 | 11 => Ok(Clock::Wall),
        // MONOTONIC, MONOTONIC_RAW, MONOTONIC_COARSE, BOOTTIME, BOOTTIME_ALARM.
        1 | 4 | 6 | 7 | 9 => Ok(Clock::Monotonic),
        // PROCESS_CPUTIME_ID, THREAD_CPUTIME_ID.
        2 | 3 => Ok(Clock::Processor),
        _ => Err(Errno::EINVAL),
    }
}

fn read_clock(call: &Call, which: Clock) -> Nanos {
    match which {
        Clock::Wall => clock::wall(),
        Clock::Monotonic => clock::now(),
        Clock::Processor => {
            Thread::charge_current();
            Nanos::new(call.process.times.own().total())
        }
    }
}

/// clock_gettime(2).
pub fn clock_gettime(call: &mut Call) -> SysResult {
    let now = read_clock(call, clock_of(call.int(0))?);
    write_value(call.size(1), now.timespec())?;
    Ok(0)
}

/// clock_getres(2): one nanosecond.
pub fn clock_getres(call: &mut Call) -> SysResult {
    clock_of(call.int(0))?;
    if call.args[1] != 0 {
        write_value(call.size(1), [0u64, 1])?;
    }
    Ok(0)
}

/// gettimeofday(2).
pub fn gettimeofday(call: &mut Call) -> SysResult {
    if call.args[0] != 0 {
        write_value(call.size(0), clock::wall().timeval())?;
    }
    if call.args[1] != 0 {
        write_value(call.size(1), [0u32, 0])?;
    }
    Ok(0)
}

/// time(2).
pub fn time(call: &mut Call) -> SysResult {
    let seconds = clock::wall().as_secs();
    if call.args[0] != 0 {
        write_value(call.size(0), seconds)?;
    }
    Ok(seconds as usize)
}

/// The time a timespec at a user address lies from now, as a time of the monotonic clock.
pub fn deadline_after(address: usize) -> Result<Nanos, Stop> {
    Ok(clock::now() + read_timespec(address)?)
}

/// The span, or the point in time, of a timespec at a user address.
pub fn read_timespec(address: usize) -> Result<Nanos, Stop> {
    Ok(Nanos::from_timespec(read_value(address)?)?)
}

/// nanosleep(2).
pub fn nanosleep(call: &mut Call) -> SysResult {
    call.set_deadline(|call| deadline_after(call.size(0)).map(Some))?;
    sleep(call, call.size(1))
}

/// clock_nanosleep(2). Unlike most calls it returns its error number (which the program's library expects negated as
/// from any other).
pub fn clock_nanosleep(call: &mut Call) -> SysResult {
    let which = clock_of(call.int(0))?;
    if which == Clock::Processor {
        return Err(Errno::EOPNOTSUPP.into());
    }
    let absolute = call.int(1) & TIMER_ABSTIME != 0;
    call.set_deadline(|call| {
        if !absolute {
            return deadline_after(call.size(2)).map(Some);
        }
        let at = read_timespec(call.size(2))?;
        let offset = if which == Clock::Wall {
            clock::wall() - clock::now()
        } else {
            Nanos::ZERO
        };
        Ok(Some(at - offset))
    })?;
    sleep(call, if absolute { 0 } else { call.size(3) })
}

/// Sleeps to the deadline.
fn sleep(call: &mut Call, remainder: usize) -> SysResult {
    if call.inflight.is_over() {
        return Ok(0);
    }
    if remainder != 0 {
        call.inflight.left = TimeLeft::Interrupted(remainder);
    }
    Err(Stop::Block)
}

/// Writes what is left of a call's time; answers the error that an interrupted sleep then ends with.
pub fn write_left(call: &InFlight) -> Option<Errno> {
    let left = call.deadline.map_or(Nanos::ZERO, |at| at - clock::now());
    let (at, value) = match call.left {
        TimeLeft::Untold => return None,
        TimeLeft::Interrupted(at) | TimeLeft::Timespec(at) => (at, left.timespec()),
        TimeLeft::Timeval(at) => (at, left.timeval()),
    };
    let written = write_value(at, value);
    // Of other calls a bad address is the program's loss: what they answer stays.
    let is_sleep = matches!(call.left, TimeLeft::Interrupted(_));
    (is_sleep && written.is_err()).then_some(Errno::EFAULT)
}

/// struct rusage: times, and nothing else.
pub fn usage(used: Used) -> [u8; RUSAGE] {
    let mut bytes = [0; RUSAGE];
    let words = [used.user, used.system].map(|ns| [ns / SECOND, ns % SECOND / 1000]);
    for (to, word) in bytes.chunks_exact_mut(8).zip(words.as_flattened()) {
        to.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

/// getrusage(2).
pub fn getrusage(call: &mut Call) -> SysResult {
    Thread::charge_current();
    let times = &call.process.times;
    let bytes = match call.int(0) {
        0 | 1 => {
            let mut bytes = usage(times.own());
            put(&mut bytes, MAXRSS, peak(call) * 4);
            put(&mut bytes, MINFLT, faults(call));
            bytes
        }
        -1 => usage(times.children()),
        _ => return Err(Errno::EINVAL.into()),
    };
    UserSlice::new(call.size(1), RUSAGE)?.write(&bytes)?;
    Ok(0)
}

/// Places of struct rusage: the most KiB present at a time, faults that needed no disk.
const MAXRSS: usize = 32;
const MINFLT: usize = 64;

fn put(bytes: &mut [u8; RUSAGE], at: usize, value: u64) {
    bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
}

/// The caller's faults.
fn faults(call: &Call) -> u64 {
    let counts = call.process.counters.all().take(counters::FAULTS);
    counts.map(|(_, count)| count).sum()
}

/// The most pages that the caller has had present.
fn peak(call: &Call) -> u64 {
    let space = call.thread.own().space();
    space.map_or(0, |space| space.look(|space| space.peak()))
}

/// times(2).
pub fn times(call: &mut Call) -> SysResult {
    const TICK: u64 = SECOND / TICKS;
    if call.args[0] != 0 {
        Thread::charge_current();
        let times = &call.process.times;
        let (own, children) = (times.own(), times.children());
        let words = [own.user, own.system, children.user, children.system];
        write_value(call.size(0), words.map(|ns| ns / TICK))?;
    }
    Ok((clock::now().get() / TICK) as usize)
}

/// sysinfo(2).
pub fn sysinfo(call: &mut Call) -> SysResult {
    let memory = crate::file::MachineMemory::now();
    let mut bytes = [0u8; 112];
    let mut put = |at: usize, value: u64| bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
    put(0, clock::now().as_secs());
    put(32, memory.total * 4096);
    put(40, memory.uses[0] * 4096);
    put(64, memory.swap * 4096);
    put(72, memory.free_swap * 4096);
    put(80, memory.processes & 0xffff);
    bytes[104..108].copy_from_slice(&1u32.to_le_bytes());
    UserSlice::new(call.size(0), bytes.len())?.write(&bytes)?;
    Ok(0)
}
