//! Probes of the message rings: `rings COUNT` on every torus sends COUNT probes to each other torus, waits for as many from
//! each, and says what came.

use braid_test_programs::{call, numbers, torus};

const RING_PROBE: i64 = 4112;

/// Probes sent to a torus, probes that came from it, those of them that were wrong.
type Tally = [u64; 3];

/// Probes sent to one torus before it is the next one's turn.
const TURN: u64 = 4096;

fn main() {
    let count = numbers().next().expect("rings COUNT") as u64;
    let own = torus::own() as u64;
    let others: Vec<u64> = (0..torus::tori() as u64)
        .filter(|&torus| torus != own)
        .collect();
    for first in (0..count).step_by(TURN as usize) {
        for &other in &others {
            let mut left = TURN.min(count - first);
            while left > 0 {
                left -= probe(other, left, 0).0;
            }
        }
    }
    for other in others {
        let [sent, received, wrong] = probe(other, 0, count).1;
        println!("torus {own}: sent {sent} to {other}, received {received}, wrong {wrong}");
    }
}

/// Sends probes, or waits until so many have come; answers how many were sent, and what there is to say.
fn probe(torus: u64, count: u64, expected: u64) -> (u64, Tally) {
    let mut tally = Tally::default();
    let arguments = [
        torus as usize,
        count as usize,
        expected as usize,
        tally.as_mut_ptr() as usize,
    ];
    let sent = call(RING_PROBE, arguments).expect("ring_probe");
    (sent as u64, tally)
}
