//! The benchmark program: runs unchanged on Braid and on Linux, and writes records (`braid_bench::record`) to standard
//! output. On Linux it may be the first process, which ends with the machine.

mod clock;
mod linux;
mod mark;
mod memory;
mod process;
mod rounds;
mod work;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use braid_bench::catalogue::{Benchmark, Group};
use braid_bench::options::Options;
use braid_bench::record::{Header, Record};
use braid_programs::{ring_probe, torus_info};

use crate::rounds::Failure;
use crate::work::Setting;

fn main() -> ExitCode {
    let mut words = std::env::args();
    let own = words.next().unwrap_or_default();
    let words: Vec<String> = words.collect();
    if words == [process::END_AT_ONCE] {
        return ExitCode::SUCCESS;
    }
    let is_first = linux::is_first_process();
    let result = begin(is_first).and_then(|()| run(&own, &words));
    if let Err(error) = &result {
        eprintln!("bench: {error}");
    }
    if is_first {
        linux::end_machine();
    }
    match result {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) | Err(_) => ExitCode::FAILURE,
    }
}

fn begin(is_first: bool) -> io::Result<()> {
    if is_first { linux::begin() } else { Ok(()) }
}

/// Runs what is asked for; how many benchmarks went wrong.
fn run(own: &str, words: &[String]) -> io::Result<u32> {
    let options = Options::parse(words).map_err(io::Error::other)?;
    if options.symbols {
        linux::print_symbols()?;
    }
    let mut out = Out::new(&options);
    out.say(Record::Bench(header(&options)?))?;
    out.gather()?;
    let (mut figures, mut failed) = (0, 0);
    let mut region = 0;
    for benchmark in &options.benchmarks {
        for (numbers, size) in variants(benchmark, &options) {
            let setting = Setting {
                own: own.to_owned(),
                quick: options.quick,
                spread: !options.everywhere,
                size,
            };
            let name = benchmark.name.to_owned();
            match measure(&setting, benchmark, &numbers, &options, region) {
                Ok(records) => {
                    region += 1;
                    for record in records {
                        figures += 1;
                        out.say(record)?;
                    }
                }
                Err(Failure::Absent(why)) => {
                    out.say(Record::Absent { name, why })?;
                    break;
                }
                Err(Failure::Broken(why)) => {
                    failed += 1;
                    out.say(Record::Failed { name, why })?;
                    break;
                }
            }
        }
    }
    out.say(Record::End { figures, failed })?;
    out.end()?;
    Ok(failed)
}

/// The numbers of processes, which take turns, and the size of memory (0: its own) with which a benchmark is done each time.
/// Marks are for one number at a time.
fn variants(benchmark: &Benchmark, options: &Options) -> Vec<(Vec<u32>, u64)> {
    let sizes = if benchmark.sizes.is_empty() {
        &[0]
    } else {
        benchmark.sizes
    };
    let numbers = options.processes.iter().copied();
    let numbers: Vec<u32> = numbers
        .filter(|&processes| processes == 1 || benchmark.scales)
        .collect();
    let together = if options.marks {
        1
    } else {
        numbers.len().max(1)
    };
    let turns = numbers.chunks(together);
    turns
        .flat_map(|numbers| sizes.iter().map(move |&size| (numbers.to_vec(), size)))
        .collect()
}

fn measure(
    setting: &Setting,
    benchmark: &Benchmark,
    numbers: &[u32],
    options: &Options,
    region: u8,
) -> Result<Vec<Record>, Failure> {
    if let Some(why) = missing(benchmark, options) {
        return Err(Failure::Absent(why.to_owned()));
    }
    if !options.marks {
        let figures = rounds::timed(setting, benchmark, numbers, options)?;
        return Ok(figures.into_iter().map(Record::Figure).collect());
    }
    let region = |&processes: &u32| {
        rounds::marked(setting, benchmark, processes, region)?;
        Ok(Record::Region {
            number: region,
            name: benchmark.name.to_owned(),
            processes,
        })
    };
    numbers.iter().map(region).collect()
}

/// What this machine or this run lacks for a benchmark of tori.
fn missing(benchmark: &Benchmark, options: &Options) -> Option<&'static str> {
    if benchmark.group != Group::Torus {
        return None;
    }
    match torus_info(None) {
        Err(_) => Some("it has no tori"),
        Ok(own) if own.tori < 2 => Some("it takes two tori"),
        Ok(_) => options.everywhere.then_some("every torus works for itself"),
    }
}

/// Where records go: at once, or where every torus works for itself when all of them have come to their ends: what is written to
/// the console is work for the torus that has it.
struct Out {
    kept: Option<Vec<Record>>,
    /// How often the tori have waited for each other.
    gathered: u64,
}

impl Out {
    /// How long other tori may take longer.
    const PATIENCE: Duration = Duration::from_secs(300);
    /// How often one looks whether they have come.
    const LOOK: Duration = Duration::from_millis(50);

    fn new(options: &Options) -> Out {
        Out {
            kept: options.everywhere.then(Vec::new),
            gathered: 0,
        }
    }

    fn say(&mut self, record: Record) -> io::Result<()> {
        match &mut self.kept {
            Some(kept) => kept.push(record),
            None => say(&record)?,
        }
        Ok(())
    }

    /// Waits until all tori have come as far, if every torus works for itself: so none works while another one begins, or ends. They
    /// tell each other by messages of the rings, whose lines are known.
    fn gather(&mut self) -> io::Result<()> {
        if self.kept.is_none() {
            return Ok(());
        }
        let own = torus_info(None)?;
        let others = (0..own.tori as u32).filter(|&torus| u64::from(torus) != own.id);
        for torus in others.clone() {
            ring_probe(torus, 1, 0)?;
        }
        self.gathered += 1;
        let begin = Instant::now();
        for torus in others {
            while ring_probe(torus, 0, 0)?.1 < self.gathered && begin.elapsed() < Out::PATIENCE {
                std::thread::sleep(Out::LOOK);
            }
        }
        Ok(())
    }

    fn end(mut self) -> io::Result<()> {
        self.gather()?;
        self.kept.iter().flatten().try_for_each(say)
    }
}

fn say(record: &Record) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{record}")?;
    out.flush()
}

fn header(options: &Options) -> io::Result<Header> {
    let (mut system, release) = linux::uname()?;
    if torus_info(None).is_ok() {
        system = "Braid".to_owned();
    }
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
    Ok(Header {
        system,
        release,
        clock: options.clock,
        cores,
    })
}
