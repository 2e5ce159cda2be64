//! A program that computes in memory and makes few calls.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::hint::black_box;
use std::io;

use super::{Setting, Work};
use crate::mark;
use crate::memory::Random;

/// Numbers to sort.
const NUMBERS: usize = 1 << 20;
/// Rows and columns of the matrices.
const SIDE: usize = 96;
/// Keys of the table.
const KEYS: usize = 1 << 16;
/// Bytes to hash.
const BYTES: usize = 8 << 20;

/// Random numbers made in registers, in thousands: what the host itself lets processes do at once.
#[derive(Debug)]
pub(super) struct Loop(usize);

impl Loop {
    pub(super) fn new(setting: &Setting) -> Loop {
        Loop(setting.scaled(4096))
    }
}

impl Work for Loop {
    fn operations(&self) -> u64 {
        self.0 as u64
    }

    fn round(&mut self) -> io::Result<()> {
        let mut word = 1u64;
        for _ in 0..self.0 {
            for _ in 0..1000 {
                // Marsaglia's xorshift.
                word ^= word << 13;
                word ^= word >> 7;
                word ^= word << 17;
            }
            mark::operation();
        }
        black_box(word);
        Ok(())
    }
}

/// Sorts, hashes, multiplies, looks up.
#[derive(Debug)]
pub(super) struct Compute {
    numbers: usize,
    keys: usize,
    bytes: usize,
    side: usize,
}

impl Compute {
    pub(super) fn new(setting: &Setting) -> Compute {
        Compute {
            numbers: setting.scaled(NUMBERS),
            keys: setting.scaled(KEYS),
            bytes: setting.scaled(BYTES),
            side: setting.scaled(SIDE),
        }
    }

    fn sort(&self) -> u64 {
        let mut random = Random(7);
        let mut numbers: Vec<u64> = (0..self.numbers).map(|_| random.next()).collect();
        numbers.sort_unstable();
        numbers[self.numbers / 2]
    }

    /// FNV-1a, byte by byte.
    fn hash(&self) -> u64 {
        let bytes: Vec<u8> = (0..self.bytes).map(|index| (index >> 3) as u8).collect();
        bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }

    fn multiply(&self) -> f64 {
        let side = self.side;
        let matrix: Vec<f64> = (0..side * side).map(|index| index as f64).collect();
        let mut product = vec![0.0; side * side];
        for row in 0..side {
            for middle in 0..side {
                let factor = matrix[row * side + middle];
                for column in 0..side {
                    product[row * side + column] += factor * matrix[middle * side + column];
                }
            }
        }
        product[side * side / 2]
    }

    fn look_up(&self) -> u64 {
        let mut random = Random(11);
        // Not the usual hasher, whose seed is random: runs have to repeat.
        let mut table: HashMap<u64, u64, BuildHasherDefault<DefaultHasher>> = HashMap::default();
        for _ in 0..self.keys {
            let key = random.next() % self.keys as u64;
            *table.entry(key).or_insert(0) += key;
        }
        table.values().fold(0, |sum, value| sum ^ value)
    }
}

impl Work for Compute {
    fn operations(&self) -> u64 {
        1
    }

    fn bytes(&self) -> u64 {
        (self.numbers * 8 + self.bytes + self.side * self.side * 16) as u64
    }

    fn round(&mut self) -> io::Result<()> {
        black_box((self.sort(), self.hash(), self.multiply(), self.look_up()));
        mark::operation();
        Ok(())
    }
}
