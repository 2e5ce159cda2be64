#![doc = include_str!("../README.md")]

mod crowd;
mod kind;
mod random;
mod raw;
mod restraint;
mod table;
mod victim;
mod world;

use std::process::ExitCode;
use std::sync::atomic::Ordering::Relaxed;

use crowd::Counts;
use victim::Mode;

/// Lines of victims when the command line does not say.
const WORKERS: u64 = 8;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (mode, words) = match words.as_slice() {
        ["memory", rest @ ..] => (Mode::Memory, rest),
        ["all", rest @ ..] => (Mode::All, rest),
        _ => return usage(),
    };
    let counts = Counts::shared();
    let numbers: Option<Vec<u64>> = words
        .iter()
        .filter(|word| **word != "replay")
        .map(|word| word.parse().ok())
        .collect();
    match (words, numbers.as_deref()) {
        (["replay", _], Some([seed])) => crowd::replay(*seed, mode, counts),
        ([_, _], Some([calls, seed])) => crowd::run(*calls, *seed, WORKERS, mode, counts),
        ([_, _, _], Some([calls, seed, workers])) => {
            crowd::run(*calls, *seed, *workers, mode, counts);
        }
        _ => return usage(),
    }
    let [calls, victims, killed, immortal] = [
        &counts.calls,
        &counts.victims,
        &counts.killed,
        &counts.immortal,
    ]
    .map(|count| count.load(Relaxed));
    println!("{calls} calls, {victims} victims, {killed} killed, {immortal} immortal");
    ExitCode::from(u8::from(immortal > 0))
}

fn usage() -> ExitCode {
    eprintln!(
        "usage: fuzz all|memory CALLS SEED [WORKERS], fuzz all|memory replay SEED (never on a host)"
    );
    ExitCode::from(2)
}
