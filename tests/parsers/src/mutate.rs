//! Changes to good input, where no coverage guides.

use fastrand::Rng;

/// Values that lengths and offsets go wrong at.
const EDGES: [u64; 10] = [
    0,
    1,
    0x7f,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    u64::MAX,
];

/// A few changes to `bytes`.
pub fn change(bytes: &mut Vec<u8>, random: &mut Rng) {
    for _ in 0..random.usize(1..6) {
        let at = random.usize(..=bytes.len());
        match random.u8(..6) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, random.u8(..)),
            2 if at < bytes.len() => {
                bytes.remove(at);
            }
            3 if at < bytes.len() => bytes[at] ^= 1 << random.u8(..8),
            4 => write(
                bytes,
                at,
                &random.choice(EDGES).unwrap_or(0).to_le_bytes(),
                random,
            ),
            _ => {
                let from = random.usize(..=bytes.len());
                let part = bytes[from..].iter().copied().take(16).collect::<Vec<u8>>();
                write(bytes, at, &part, random);
            }
        }
    }
}

/// Overwrites what is at `at` with the first bytes of `value`.
fn write(bytes: &mut [u8], at: usize, value: &[u8], random: &mut Rng) {
    let width = 1 << random.u8(..4);
    let target = bytes.iter_mut().skip(at);
    target
        .zip(value.iter().take(width))
        .for_each(|(to, from)| *to = *from);
}
