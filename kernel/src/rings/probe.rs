//! Probes: messages whose order and content the receiver checks, to measure and test the rings.
//!
//! A program sends them with ring_probe (docs/abi.md). Each torus keeps a [`Tally`] for each other one.

use super::{own, room, send};
use crate::arch::cpu;
use ::torus::TorusId;
use ::torus::message::Message;

/// Probes sent in one go, with interrupts off.
const SERIES: usize = 1024;

/// What was probed between this torus and another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Probes sent there.
    pub sent: u64,
    /// Probes that came from there.
    pub received: u64,
    /// Those of them that were not the next in order, or had another content than was sent.
    pub wrong: u64,
}

/// What a probe carries.
fn content(from: TorusId, to: TorusId, number: u64) -> u64 {
    let pair = (from.index() << 8 | to.index()) as u64;
    (number ^ pair << 48).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Sends up to `count` probes, as many as there is room for; answers how many.
pub fn emit(to: TorusId, count: usize) -> usize {
    let from = cpu::this().torus().id;
    // Held to the end, so that two cores do not mix up their numbers.
    let mut tallies = own().tallies.lock();
    let Some(tally) = tallies.get_mut(to.index()) else {
        return 0;
    };
    let count = count.min(SERIES).min(room(to));
    for number in tally.sent..tally.sent + count as u64 {
        let check = content(from, to, number);
        send(to, Message::Probe { number, check });
    }
    tally.sent += count as u64;
    count
}

/// Checks a probe.
pub fn receive(from: TorusId, number: u64, check: u64) {
    let to = cpu::this().torus().id;
    if let Some(tally) = own().tallies.lock().get_mut(from.index()) {
        let right = number == tally.received && check == content(from, to, number);
        tally.received += 1;
        tally.wrong += u64::from(!right);
    }
}

/// What was probed between this torus and `other`.
pub fn tally(other: TorusId) -> Option<Tally> {
    own().tallies.lock().get(other.index()).copied()
}
