//! Probes: messages whose order and content the receiver checks, to measure and test the rings.
//!
//! A program sends them with ring_probe (docs/abi.md). Each torus keeps a [`Tally`] for each other one.

use super::own;
use machine::cpu;
use torus::TorusId;
use torus::message::Protocol as _;
use torus::probe::Message;
use torus::ring::Line;

/// Probes written in one go.
const BATCH: usize = 32;

/// What was probed between this torus and another.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Probes sent there.
    pub sent: u64,
    /// Probes that came from there.
    pub received: u64,
    /// Those of them that were not the next in order, or had another content than was sent.
    pub wrong: u64,
    /// Threads that wait are woken when so many have come; 0: nobody waits.
    wanted: u64,
}

/// What a probe carries.
fn content(from: TorusId, to: TorusId, number: u64) -> u64 {
    let pair = (from.index() << 8 | to.index()) as u64;
    (number ^ pair << 48).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Sends up to `count` probes, as many as there is room for; answers how many.
pub fn emit(to: TorusId, count: usize) -> usize {
    let from = crate::here().id;
    // Held to the end, so that two cores do not mix up their numbers.
    let mut tallies = own().tallies.lock();
    let (Some(tally), Some(exit)) = (tallies.get_mut(to.index()), own().exit(to)) else {
        return 0;
    };
    let mut lines = [Line::default(); BATCH];
    let mut sent = 0;
    while sent < count {
        let mut exit = exit.lock();
        let batch = (count - sent).min(BATCH).min(exit.room());
        if batch == 0 {
            break;
        }
        for line in &mut lines[..batch] {
            let number = tally.sent;
            let check = content(from, to, number);
            *line = Message::Probe { number, check }.encode();
            tally.sent += 1;
        }
        exit.send(&lines[..batch]);
        sent += batch;
        drop(exit);
        cpu::let_interrupts_in();
    }
    sent
}

/// Checks a probe.
pub fn receive(from: TorusId, message: Message) {
    let Message::Probe { number, check } = message;
    let to = crate::here().id;
    let mut tallies = own().tallies.lock();
    let Some(tally) = tallies.get_mut(from.index()) else {
        return;
    };
    let right = number == tally.received && check == content(from, to, number);
    tally.received += 1;
    tally.wrong += u64::from(!right);
    if tally.received == tally.wanted {
        tally.wanted = 0;
        own().arrivals.wake_all();
    }
}

/// What was probed between this torus and `other`, if so many have come from there; else the current thread is enrolled
/// to be woken when more have.
pub fn tally(other: TorusId, expected: u64) -> Option<Tally> {
    let mut tallies = own().tallies.lock();
    let tally = tallies.get_mut(other.index())?;
    if tally.received >= expected {
        return Some(*tally);
    }
    // The least that anybody waits for.
    if tally.wanted == 0 || expected < tally.wanted {
        tally.wanted = expected;
    }
    own().arrivals.enrol();
    None
}
