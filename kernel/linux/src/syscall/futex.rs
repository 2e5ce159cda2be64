//! futex(2): WAIT and WAKE, with bit sets. A word is known by address space and address; where an object is mapped shared, by
//! the object and the place in it, so that processes which share the memory mean the same word.
//!
//! *Flow.* A wait compares the word and puts the thread on the list under one lock; a wake takes it off. Runs of the call after that only
//! look whether it is still there, so that spurious wake-ups cost it neither its place nor a second entry.

use crate::process::time::read_timespec;
use crate::process::{Current, Thread};
use crate::syscall::call::{Call, InFlight, Stop, SysResult};
use crate::syscall::errno::Errno;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use braid_threads::interruption::Interruption;
use braid_time::Nanos;
use fallible::{NoMemory, TryMap};
use machine::{cpu, time};
use mem::space::VmSpace;
use mem::user::{UserSlice, read_present, read_value};
use sync::Lock;
use vm::addr::{PAGE_SIZE, Page, VirtAddr};
use vm::space::{Backing, Object, Prot};

/// futex(2)'s number.
pub const NUMBER: u64 = 202;
const WAIT: i32 = 0;
const WAKE: i32 = 1;
const WAIT_BITSET: i32 = 9;
const WAKE_BITSET: i32 = 10;
const PRIVATE: i32 = 128;
const CLOCK_REALTIME: i32 = 256;

/// In a key, tells objects from address spaces.
const SHARED: u64 = 1 << 63;

/// Waiters that are looked at, or woken, under one hold of the lock.
const PIECE: usize = 16;

/// A thread that waits for a word.
struct Waiter {
    thread: Arc<Thread>,
    key: Key,
    bits: u32,
}

/// Which word: two threads mean the same one when the keys are equal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    space: u64,
    address: usize,
}

/// A word, and a number that grows: who came first is woken first.
type Ticket = (Key, u64);

/// The futex waiters of a torus.
pub struct Futexes {
    list: Lock<List>,
}

struct List {
    waiters: BTreeMap<Ticket, Waiter>,
    /// The ticket of each thread that waits, by the thread's address.
    tickets: BTreeMap<usize, Ticket>,
    /// The last number given.
    last: u64,
}

impl List {
    fn add(&mut self, waiter: Waiter) -> Result<(), NoMemory> {
        self.last += 1;
        let (ticket, thread) = ((waiter.key, self.last), address_of(&waiter.thread));
        self.tickets.put(thread, ticket)?;
        if self.waiters.put(ticket, waiter).is_err() {
            self.tickets.remove(&thread);
            return Err(NoMemory);
        }
        Ok(())
    }

    fn take(&mut self, ticket: Ticket) -> Option<Waiter> {
        let waiter = self.waiters.remove(&ticket)?;
        self.tickets.remove(&address_of(&waiter.thread));
        if self.waiters.is_empty() {
            // The last one's memory goes back.
            (self.waiters, self.tickets) = (BTreeMap::new(), BTreeMap::new());
        }
        Some(waiter)
    }
}

fn address_of(thread: &Arc<Thread>) -> usize {
    Arc::as_ptr(thread).addr()
}

tori::part!(Futexes, 11);

impl Futexes {
    /// None.
    pub const fn new() -> Self {
        Self {
            list: Lock::new(List {
                waiters: BTreeMap::new(),
                tickets: BTreeMap::new(),
                last: 0,
            }),
        }
    }

    /// Wakes those who wait for a word with some of `bits`, at most so many; answers how many. Who comes meanwhile is not meant.
    fn wake(&self, key: Key, most: usize, bits: u32) -> usize {
        let end = self.list.lock().last;
        let (mut woken, mut from) = (0, 0);
        while woken < most && from <= end {
            let mut found = heapless::Vec::<Waiter, PIECE>::new();
            {
                let mut list = self.list.lock();
                let range = list.waiters.range((key, from)..=(key, end));
                let mut tickets = heapless::Vec::<Ticket, PIECE>::new();
                from = end + 1;
                for (count, (ticket, waiter)) in range.enumerate() {
                    if count == PIECE {
                        from = ticket.1;
                        break;
                    }
                    if waiter.bits & bits != 0 && woken + tickets.len() < most {
                        // There is room for as many as are looked at.
                        let _ = tickets.push(*ticket);
                    }
                }
                for ticket in tickets {
                    let waiter = list.take(ticket);
                    // There is as much room as there are tickets.
                    waiter
                        .into_iter()
                        .for_each(|waiter| drop(found.push(waiter)));
                }
            }
            for waiter in found {
                waiter.thread.wake();
                woken += 1;
            }
            cpu::let_interrupts_in();
        }
        woken
    }

    /// Takes a thread off; whether it was still waiting.
    fn leave(&self, thread: &Arc<Thread>) -> bool {
        let mut list = self.list.lock();
        let ticket = list.tickets.get(&address_of(thread)).copied();
        ticket.and_then(|ticket| list.take(ticket)).is_some()
    }

    /// Whether a thread is still waiting.
    fn has(&self, thread: &Arc<Thread>) -> bool {
        self.list.lock().tickets.contains_key(&address_of(thread))
    }

    /// Has a thread wait for the word at `address`, if it is `expected`: nobody can wake others between the look at the word and the
    /// list. `None`: the word's page has to come first. EAGAIN for another word, ENOMEM without memory.
    fn enrol(&self, waiter: Waiter, address: usize, expected: u32) -> Result<Option<()>, Errno> {
        let mut list = self.list.lock();
        let Some(value) = read_present(address) else {
            return Ok(None);
        };
        if value != expected {
            return Err(Errno::EAGAIN);
        }
        list.add(waiter)?;
        Ok(Some(()))
    }
}

fn futexes() -> &'static Futexes {
    tori::here().part::<Futexes>()
}

/// The word that the call names.
fn key_of(call: &Call, rights: Prot) -> Result<Key, Errno> {
    let private = call.int(1) & PRIVATE != 0;
    key_at(call.thread, call.size(0), private, rights)
}

/// The word at an address: of the address space, or of the object that is mapped there shared. EINVAL for one that is not aligned; EFAULT
/// where no program's memory is, and unless the word is private to the process also where nothing is mapped with `rights`, or only
/// privately for reading.
fn key_at(thread: &Current, address: usize, private: bool, rights: Prot) -> Result<Key, Errno> {
    if !address.is_multiple_of(4) {
        return Err(Errno::EINVAL);
    }
    UserSlice::new(address, size_of::<u32>())?;
    let space = thread
        .own()
        .space
        .with(|space| space.clone())
        .ok_or(Errno::EFAULT)?;
    let own = Key {
        space: space.number(),
        address,
    };
    if private {
        return Ok(own);
    }
    space.look(|space| {
        let at = VirtAddr(address as u64);
        let mapping = space.find(at).ok_or(Errno::EFAULT)?;
        let shared = shared_key(space, at);
        // A private word that cannot be written never changes: nobody can wait for it.
        let needed = if shared.is_some() {
            rights
        } else {
            Prot::WRITE
        };
        if !mapping.rights.contains(needed) {
            return Err(Errno::EFAULT);
        }
        Ok(shared.unwrap_or(own))
    })
}

fn shared_key(space: &VmSpace, address: VirtAddr) -> Option<Key> {
    let mapping = space.find(address)?;
    let Backing::Object {
        object,
        offset,
        shared: true,
    } = &mapping.backing
    else {
        return None;
    };
    let page = offset + (Page::containing(address) - mapping.range.start);
    let within = address.0 % PAGE_SIZE as u64;
    let place = page * PAGE_SIZE as u64 + within;
    Some(Key {
        space: SHARED | u64::from(object.owner().0),
        address: place as usize,
    })
}

/// What signals do to futex(2): as on Linux a wait with a time limit is not made again.
pub fn interruption(call: &Call) -> Interruption {
    if call.args[3] == 0 {
        Interruption::Restarts
    } else {
        Interruption::Fails
    }
}

/// futex(2).
pub fn futex(call: &mut Call) -> SysResult {
    let operation = call.int(1);
    let command = operation & !(PRIVATE | CLOCK_REALTIME);
    if operation & CLOCK_REALTIME != 0 && command != WAIT_BITSET {
        return Err(Errno::ENOSYS.into());
    }
    match command {
        WAIT => wait(call, u32::MAX, false),
        WAIT_BITSET => wait(call, call.args[5] as u32, true),
        WAKE => wake(call, u32::MAX),
        WAKE_BITSET => wake(call, call.args[5] as u32),
        _ => Err(Errno::ENOSYS.into()),
    }
}

fn wake(call: &Call, bits: u32) -> SysResult {
    if bits == 0 {
        return Err(Errno::EINVAL.into());
    }
    let key = key_of(call, Prot::WRITE)?;
    Ok(futexes().wake(key, call.int(2).max(1) as usize, bits))
}

/// `inflight.word` of a wait whose thread has been put on the list.
const ENROLLED: u64 = 1;

fn wait(call: &mut Call, bits: u32, absolute: bool) -> SysResult {
    if bits == 0 {
        return Err(Errno::EINVAL.into());
    }
    call.set_deadline(|call| match call.args[3] {
        0 => Ok(None),
        _ => deadline(call, absolute).map(Some),
    })?;
    if call.inflight.word == ENROLLED {
        return look(call);
    }
    let key = key_of(call, Prot::READ)?;
    let (address, expected) = (call.size(0), call.args[2] as u32);
    let enrol = || {
        let thread = Arc::clone(call.thread);
        futexes().enrol(Waiter { thread, key, bits }, address, expected)
    };
    while enrol()?.is_none() {
        read_value::<u32>(address)?;
    }
    call.inflight.word = ENROLLED;
    // Its time may be over already.
    look(call)
}

/// A thread on the list waits on, was woken by somebody who took it off, or has waited long enough.
fn look(call: &Call) -> SysResult {
    if !futexes().has(call.thread) {
        return Ok(0);
    }
    if !call.inflight.is_over() {
        return Err(Stop::Block);
    }
    if futexes().leave(call.thread) {
        Err(Errno::ETIMEDOUT.into())
    } else {
        Ok(0)
    }
}

fn deadline(call: &Call, absolute: bool) -> Result<Nanos, Stop> {
    let span = read_timespec(call.size(3))?;
    let clock = match (absolute, call.int(1) & CLOCK_REALTIME != 0) {
        (true, true) => time::wall(),
        (true, false) => time::now(),
        (false, _) => Nanos::ZERO,
    };
    Ok(time::now() + (span - clock))
}

/// Wakes one that waits for the word at an address of the thread's memory; without effect for a bad address.
pub fn wake_one(thread: &Current, address: usize) {
    if let Ok(key) = key_at(thread, address, false, Prot::READ) {
        futexes().wake(key, 1, u32::MAX);
    }
}

/// The thread ends: it waits for no word any more, and no wake-up is spent on it.
pub fn forget(thread: &Current) {
    futexes().leave(thread);
}

/// A handler interrupts a thread's call: it waits for no word any more. Whether it has been woken already: then the call has
/// succeeded, for the wake-up that was spent on it wakes nobody else.
pub fn interrupt(thread: &Current, call: &InFlight) -> bool {
    let waits = call.word == ENROLLED && thread.regs().code == NUMBER;
    !futexes().leave(thread) && waits
}

/// The thread leaves the torus: a call of it that nobody has woken looks at its word again where it arrives.
pub fn depart(thread: &Current) {
    if futexes().leave(thread) {
        let call = thread.own().in_flight.get();
        let call = call.map(|call| InFlight { word: 0, ..call });
        thread.own().in_flight.set(call);
    }
}
