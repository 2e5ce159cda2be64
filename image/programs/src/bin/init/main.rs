//! The demonstration: the first program of torus 0 prints the machine; then it and its like on the other tori work at the same
//! time, and each prints what it did; then the one of torus 0 goes on a [`journey`] around the tori.

mod journey;

use std::time::Instant;

use braid_programs::{TorusInfo, torus_info};

/// Prime numbers are counted below this one.
const LIMIT: usize = 2_000_000;

fn main() {
    let own = match torus_info(None) {
        Ok(own) => own,
        Err(error) => {
            eprintln!("init: this is not Braid ({error})");
            std::process::exit(1);
        }
    };
    if own.id == 0 {
        print_machine(&own);
    }
    let start = Instant::now();
    let primes = count_primes(LIMIT);
    let time = start.elapsed().as_millis();
    println!(
        "torus {}, process {}: {primes} primes below {LIMIT}, in {time} ms",
        own.id,
        std::process::id()
    );
    if own.id == 0
        && let Err(error) = journey::travel(&own)
    {
        eprintln!("init: the journey failed: {error}");
        std::process::exit(1);
    }
}

fn print_machine(own: &TorusInfo) {
    let all: Vec<TorusInfo> = (0..own.tori as u32)
        .filter_map(|torus| torus_info(Some(torus)).ok())
        .collect();
    let cores: u64 = all.iter().map(|torus| torus.cores).sum();
    println!("{cores} cores in {} tori", own.tori);
    for torus in all {
        let mebibytes = |frames: u64| (frames * 4096) >> 20;
        println!(
            "torus {}: {} cores, {} MiB of memory, {} MiB free",
            torus.id,
            torus.cores,
            mebibytes(torus.frames),
            mebibytes(torus.available)
        );
    }
}

/// The sieve of Eratosthenes.
fn count_primes(limit: usize) -> usize {
    let mut composite = vec![false; limit];
    let mut count = 0;
    for number in 2..limit {
        if !composite[number] {
            count += 1;
            composite
                .iter_mut()
                .skip(number * number)
                .step_by(number)
                .for_each(|c| *c = true);
        }
    }
    count
}
