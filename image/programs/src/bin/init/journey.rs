//! A journey: a program fills memory, goes around all tori while it works on, and finds everything as it was.
//!
//! The last word of each page counts the rounds in which it was worked on; all other words stay.

use std::io;
use std::time::Instant;

use braid_programs::{TorusInfo, migrate_self, torus_info};

/// Words of a page.
const PAGE: usize = 512;
/// The most pages that it takes along: 16 MiB.
const MOST: u64 = 4096;

/// Goes from torus 0 to every other one and back.
///
/// # Errors
/// A call of Braid's fails, or a page is not what it was.
pub(crate) fn travel(own: &TorusInfo) -> io::Result<()> {
    let mut memory = fill(pages(own)?);
    let size = memory.len() * 8 / 1024;
    println!("{size} KiB of memory, checksum {:016x}", checksum(&memory));
    println!("move to torus   call, µs   touch all, ms   messages   pages pulled");
    for round in 1..=own.tori {
        step((round % own.tori) as u32, &mut memory, round)?;
    }
    println!("{size} KiB of memory, checksum {:016x}", checksum(&memory));
    Ok(())
}

/// How many pages fit everywhere with room to spare.
fn pages(own: &TorusInfo) -> io::Result<usize> {
    let mut least = MOST;
    for torus in 0..own.tori as u32 {
        least = least.min(torus_info(Some(torus))?.available / 4);
    }
    Ok(least as usize)
}

fn fill(pages: usize) -> Vec<u64> {
    let word = |index: usize| match index % PAGE {
        last if last == PAGE - 1 => 0,
        _ => (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15),
    };
    (0..pages * PAGE).map(word).collect()
}

/// Moves, works on every page, and prints what that cost.
fn step(torus: u32, memory: &mut [u64], round: u64) -> io::Result<()> {
    let before = torus_info(Some(torus))?;
    let start = Instant::now();
    migrate_self(torus)?;
    let moved = start.elapsed();
    for page in memory.chunks_exact_mut(PAGE) {
        page[PAGE - 1] += 1;
        if page[PAGE - 1] != round {
            return Err(io::Error::other(format!("a page has lost round {round}")));
        }
    }
    let touched = start.elapsed() - moved;
    let after = torus_info(Some(torus))?;
    println!(
        "{torus:>13}   {:>8}   {:>13}   {:>8}   {:>12}",
        moved.as_micros(),
        touched.as_millis(),
        after.pulls - before.pulls,
        after.pages_pulled - before.pages_pulled
    );
    Ok(())
}

/// The words that stay, added up with their places.
fn checksum(memory: &[u64]) -> u64 {
    let stays = |(index, word): (usize, &u64)| (index % PAGE != PAGE - 1).then_some((index, *word));
    let words = memory.iter().enumerate().filter_map(stays);
    words.fold(0, |sum: u64, (index, word)| {
        sum.rotate_left(5) ^ word.wrapping_add(index as u64)
    })
}
