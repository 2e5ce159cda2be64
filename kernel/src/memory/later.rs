//! Writes to a program's memory that are done later: the page was on its way, and the call that writes has done what it does only
//! once. They are done before the thread goes back to its program, in order.

use crate::process::{Current, Thread};
use crate::signal::info::{BUS_ADRERR, SigInfo};
use crate::signal::{self, Signal};
use alloc::vec::Vec;
use fallible::{NoMemory, TryVec};
use mem::user::{UserError, UserSlice, write_now};

/// Bytes that may wait: more than any single answer has. Calls that write more wait for the pages, and are run again.
const MOST: usize = 16 << 10;

/// What keeps a thread from its program, besides a call.
#[derive(Default)]
pub struct Later {
    /// It waits for a page that an instruction of its own has touched.
    waits: bool,
    writes: Vec<UserSlice>,
    /// The bytes of all writes.
    bytes: Vec<u8>,
    /// How many of both are done.
    done: (usize, usize),
}

impl Later {
    /// Nothing.
    pub const fn new() -> Self {
        Self {
            waits: false,
            writes: Vec::new(),
            bytes: Vec::new(),
            done: (0, 0),
        }
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Whether there is nothing to write and nothing to wait for.
    pub fn is_idle(&self) -> bool {
        !self.waits && self.writes.is_empty()
    }

    /// Whether a write to `place` has to come after another one.
    pub fn overlaps(&self, place: &UserSlice) -> bool {
        self.writes.iter().any(|write| write.overlaps(place))
    }

    /// Forgets what a run of a call has added that is to be as if it had not been.
    pub fn forget(&mut self) {
        *self = Self {
            waits: self.waits,
            ..Self::new()
        };
    }

    /// Adds a write.
    pub fn add(&mut self, place: UserSlice, bytes: &[u8]) -> Result<(), UserError> {
        if self.bytes.len() + bytes.len() > MOST {
            return Err(UserError::Wait);
        }
        self.bytes
            .try_reserve(bytes.len())
            .map_err(NoMemory::from)?;
        self.writes.try_push(place)?;
        Ok(self.bytes.try_extend_from_slice(bytes)?)
    }
}

/// Writes to the running program's memory: now, or later where the page is on its way, or behind what is written later.
pub fn write(place: &UserSlice, from: &[u8]) -> Result<(), UserError> {
    Thread::with_current(|thread| {
        if !thread.own().later.with(|later| later.overlaps(place)) {
            match write_now(place, from) {
                Err(UserError::Wait) => {}
                result => return result,
            }
        }
        thread.note_attention();
        thread.own().later.with(|later| later.add(*place, from))
    })
}

/// Has the current thread wait for a page that its program has touched; the program's instruction then runs again.
pub fn wait(thread: &Current) {
    thread.own().later.with(|later| later.waits = true);
    thread.note_attention();
}

/// Does what was left for later, before the current thread goes on with its program. False when it has to wait; true also when it
/// was woken meanwhile, and then is to be asked again.
pub fn settle(thread: &Current) -> bool {
    let waits = thread
        .own()
        .later
        .with(|later| core::mem::take(&mut later.waits));
    let mut later = thread.own().later.replace(Later::new());
    if later.is_empty() {
        return !waits || was_woken(thread);
    }
    while let Some(place) = later.writes.get(later.done.0) {
        let end = later.done.1 + place.len();
        match write_now(place, &later.bytes[later.done.1..end]) {
            Ok(()) => later.done = (later.done.0 + 1, end),
            Err(error) if error != UserError::Wait => {
                lose(thread, place.address(), error);
                break;
            }
            Err(_) => {
                thread.own().later.set(later);
                thread.note_attention();
                return was_woken(thread);
            }
        }
    }
    true
}

/// The thread waits, unless it was woken already.
fn was_woken(thread: &Current) -> bool {
    !thread.waits()
}

/// The program does not get what it was told that it would find in its memory.
fn lose(thread: &Current, address: usize, error: UserError) {
    if error == UserError::NoMemory {
        let label = thread.process.label();
        log::error!("{label}: killed: no memory for the page at {address:#x}");
        signal::send(&thread.process, Signal::KILL);
    } else {
        let text = format_args!("what the kernel writes at {address:#x} is lost with its page");
        thread.process.log(log::Level::Info, text);
        signal::force(
            thread,
            SigInfo::fault(Signal::BUS, BUS_ADRERR, address as u64),
        );
    }
}
