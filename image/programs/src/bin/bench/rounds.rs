//! Rounds: workers are processes that do a benchmark's work at once, as often as told, and say when they began and ended.

mod gate;
mod worker;

use std::io::{self, ErrorKind};

use braid_bench::catalogue::Benchmark;
use braid_bench::options::{Clock, Options};
use braid_bench::record::Figure;
use braid_programs::{migrate_self, torus_info};

use crate::work::{self, Setting, Work};
use crate::{clock, mark};
use gate::Gate;
use worker::{Go, Span, Worker};

/// Time that all workers have to wake up before a round begins, in nanoseconds.
const WAKE_UP: u64 = 2_000_000;
/// Marked rounds begin at multiples of this time, so that tori that run the same benchmarks run them at the same time.
const SLOT: u64 = 200_000_000;
/// Marked rounds of each worker.
const MARKED: u32 = 3;

/// Why there is no figure.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The kernel does not have what it takes.
    Absent(String),
    /// Something went wrong.
    Broken(String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        if error.kind() == ErrorKind::Unsupported {
            return Failure::Absent(error.to_string());
        }
        Failure::Broken(error.to_string())
    }
}

/// Measures rounds of as many workers as each of `numbers` says, a figure for each. They take turns, sample by sample: what
/// changes on the host meanwhile meets all of them.
pub(crate) fn timed(
    setting: &Setting,
    benchmark: &Benchmark,
    numbers: &[u32],
    options: &Options,
) -> Result<Vec<Figure>, Failure> {
    let clock = options.clock;
    let round = |work: &mut dyn Work| {
        let begin = clock::now(clock);
        work.round()?;
        let end = clock::now(clock);
        Ok(Span { begin, end })
    };
    let most = numbers.iter().copied().max().unwrap_or(0);
    let mut workers = start(setting, benchmark, most, round)?;
    let mut samples = vec![Vec::new(); numbers.len()];
    for _ in 0..options.samples {
        for (samples, &processes) in samples.iter_mut().zip(numbers) {
            let begin = || match clock {
                Clock::Wall if processes > 1 => clock::now(clock) + WAKE_UP,
                Clock::Wall | Clock::Ticks => 0,
            };
            samples.push(together(&mut workers, processes, begin)?);
        }
    }
    let figures = numbers.iter().zip(samples).map(|(&processes, samples)| {
        let working = &workers[..processes as usize];
        Figure {
            name: benchmark.name.to_owned(),
            processes,
            bytes: working.first().map_or(0, |worker| worker.bytes),
            operations: working.iter().map(|worker| worker.operations).sum(),
            samples,
        }
    });
    let figures = figures.collect();
    finish(workers)?;
    Ok(figures)
}

/// Does rounds between marks. Inside of the marks the workers wait for each other: so all of the work, and nothing else, is
/// done while all of them are inside.
pub(crate) fn marked(
    setting: &Setting,
    benchmark: &Benchmark,
    processes: u32,
    region: u8,
) -> Result<(), Failure> {
    // One alone waits for nobody, and what it shares would keep it from moving.
    let gate = (processes > 1).then(|| Gate::new(processes)).transpose()?;
    let pass = || gate.iter().for_each(Gate::pass);
    let round = |work: &mut dyn Work| {
        mark::begin(region);
        pass();
        let result = work.round();
        pass();
        mark::end();
        result.map(|()| Span { begin: 0, end: 0 })
    };
    let mut workers = start(setting, benchmark, processes, round)?;
    let begin = || (clock::now(Clock::Wall) + WAKE_UP).next_multiple_of(SLOT);
    for _ in 0..MARKED {
        together(&mut workers, processes, begin)?;
    }
    Ok(finish(workers)?)
}

fn start(
    setting: &Setting,
    benchmark: &Benchmark,
    processes: u32,
    round: impl Fn(&mut dyn Work) -> io::Result<Span> + Copy,
) -> io::Result<Vec<Worker>> {
    let make = |number| {
        if setting.spread {
            place(number)?;
        }
        work::make(benchmark.name, setting)
    };
    (0..processes)
        .map(|number| Worker::new(|| make(number), round))
        .collect()
}

/// Goes to the torus of the worker with this number: they are dealt out, if there are several.
fn place(number: u32) -> io::Result<()> {
    match torus_info(None) {
        Ok(own) if own.tori > 1 => migrate_self(number % own.tori as u32),
        _ => Ok(()),
    }
}

/// One round of the first `working` workers, when all are ready: from the first one's begin to the last one's end.
fn together(workers: &mut [Worker], working: u32, begin: impl Fn() -> u64) -> io::Result<u64> {
    for worker in &mut *workers {
        worker.ready()?;
    }
    let workers = &mut workers[..working as usize];
    let go = Go::At(begin());
    for worker in &mut *workers {
        worker.tell(go)?;
    }
    let mut whole = Span {
        begin: u64::MAX,
        end: 0,
    };
    for worker in &mut *workers {
        let span = worker.done()?;
        whole.begin = whole.begin.min(span.begin);
        whole.end = whole.end.max(span.end);
    }
    for worker in workers {
        worker.tell(Go::Next)?;
    }
    Ok(whole.end - whole.begin)
}

fn finish(workers: Vec<Worker>) -> io::Result<()> {
    for mut worker in workers {
        worker.ready()?;
        worker.tell(Go::Home)?;
        worker.end()?;
    }
    Ok(())
}
