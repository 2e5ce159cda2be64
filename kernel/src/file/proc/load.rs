//! Load averages. Nobody samples the queues while nobody asks: an average is moved on by what the cores have done since the last
//! time it was read on this torus.

use super::system::{busy, running};
use crate::file::facts;
use sync::Lock;

/// A step of the averages, in nanoseconds.
const STEP: u64 = 5_000_000_000;
/// What one step leaves of the averages over 1, 5 and 15 minutes, in parts of [`ONE`].
const DECAY: [u64; 3] = [1884, 2014, 2037];
const ONE: u64 = 2048;

/// What a torus remembers of the load.
pub struct Load(Lock<State>);

struct State {
    /// When the averages were moved on last, in nanoseconds since boot.
    at: u64,
    /// Nanoseconds that all cores had run programs by then.
    busy: u64,
    /// In parts of `ONE * ONE`.
    averages: [u64; 3],
}

impl Load {
    /// None so far.
    pub const fn new() -> Self {
        Self(Lock::new(State {
            at: 0,
            busy: 0,
            averages: [0; 3],
        }))
    }
}

/// The averages over 1, 5 and 15 minutes, in hundredths.
pub(super) fn averages() -> [u64; 3] {
    let now = facts::now().get();
    let total = tori::all()
        .map(|torus| {
            (0..torus.cores())
                .map(|core| busy(torus, core))
                .sum::<u64>()
        })
        .sum::<u64>();
    let mut state = super::super::local::local().load.0.lock();
    let steps = (now - state.at.min(now)) / STEP;
    if steps > 0 {
        // How many cores were busy on the average, in parts of ONE; over a short time the cores that are busy now say more.
        let span = now - state.at;
        let ran = total.saturating_sub(state.busy) / (span / ONE).max(1);
        for (average, decay) in state.averages.iter_mut().zip(DECAY) {
            let left = power(decay, steps);
            *average = (*average * left + ran * ONE * (ONE - left)) / ONE;
        }
        (state.at, state.busy) = (now, total);
    }
    let averages = state.averages;
    drop(state);
    if now < STEP {
        return [running().saturating_sub(1) * 100; 3];
    }
    averages.map(|average| average * 100 / (ONE * ONE))
}

/// `part` of [`ONE`], so many times.
fn power(part: u64, mut times: u64) -> u64 {
    let (mut result, mut base) = (ONE, part);
    while times > 0 && result > 0 {
        if times % 2 == 1 {
            result = result * base / ONE;
        }
        base = base * base / ONE;
        times /= 2;
    }
    result
}
