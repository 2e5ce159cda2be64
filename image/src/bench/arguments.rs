//! The command line of `braid bench`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use braid_bench::catalogue::{self, Benchmark, Group};
use braid_bench::options::{Clock, Options};
use clap::Args;

use super::counted::Watch;
use super::linux::Kernel;
use super::results::Shape;
use crate::accel::{self, Accel};
use crate::cli::values;
use crate::exec::Parts;
use crate::machine::Engine;
use crate::progress::Voice;

/// Options of `braid bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// Benchmarks, or groups of them [default: all]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// The Linux kernel to compare with, or none [default: the newest in /boot, else Debian's package]
    #[arg(long, value_name = "VMLINUZ|none")]
    linux: Option<PathBuf>,
    /// Numbers of cores, a run for each [default: the host's, at most 4; with --icount 1]
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = values::number(1..=255))]
    smp: Vec<u32>,
    /// Tori of Braid
    ///
    /// [default: 1; with --sharing half as many as cores, and at least two]
    #[arg(long, value_name = "T", value_parser = values::number(1..=255))]
    tori: Option<u32>,
    /// Memory: bytes, or with K, M or G
    #[arg(long, value_name = "SIZE", default_value = "1G", value_parser = values::size)]
    pub(super) mem: u64,
    /// How instructions are executed
    #[arg(long, value_enum, default_value_t)]
    pub(super) accel: Accel,
    /// Count instructions instead of measuring time
    #[arg(long)]
    icount: bool,
    /// Boots of each kernel, in turns [default: 5; with --icount 2]
    #[arg(long, value_name = "N", value_parser = values::number(1..=1000))]
    boots: Option<u32>,
    /// Samples of each figure and boot [default: 10; with --icount 3]
    #[arg(long, value_name = "N", value_parser = values::number(1..=10_000))]
    samples: Option<u32>,
    /// How many processes at once do what scales [default: 1,2,4,8; with --icount 1]
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = values::number(1..=64))]
    processes: Vec<u32>,
    /// Count instructions, interrupts, flushes and cache lines that processors share, with a process on every core
    #[arg(long, conflicts_with_all = ["icount", "profile", "boots", "samples", "processes", "accel", "html"])]
    sharing: bool,
    /// Tell where the kernel's instructions go, by function
    #[arg(long, conflicts_with_all = ["boots", "samples", "processes", "accel", "html"])]
    profile: bool,
    /// Tell the longest stretches with interrupts off, by function; status 1 when one is too long
    #[arg(long, conflicts_with_all = ["sharing", "profile", "boots", "samples", "processes", "accel", "html"])]
    latency: bool,
    /// Small amounts of work: to see whether it works, not for figures
    #[arg(long)]
    quick: bool,
    /// Write the figures to a file, a JSON record in each line
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
    /// Write the report as a page with charts
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
    /// End a machine after so many seconds
    #[arg(long, value_name = "S", default_value = "600", value_parser = values::seconds)]
    pub(super) timeout: Duration,
    /// No remarks on stderr
    #[arg(short, long)]
    quiet: bool,
    /// Install and fetch nothing: print the command instead
    #[arg(long)]
    pub(super) no_install: bool,
}

/// Which Linux is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Peer {
    Nobody,
    This(Kernel),
    Any,
}

impl BenchArgs {
    pub(super) fn voice(&self) -> Voice {
        if self.quiet {
            Voice::Quiet
        } else {
            Voice::Normal
        }
    }

    /// The program's options.
    pub(super) fn options(&self) -> Result<Options> {
        let processes = match (&self.processes[..], self.icount) {
            ([], true) => vec![1],
            ([], false) => vec![1, 2, 4, 8],
            (given, _) => given.to_vec(),
        };
        Ok(Options {
            clock: if self.icount {
                Clock::Ticks
            } else {
                Clock::Wall
            },
            samples: self.samples.unwrap_or(if self.icount { 3 } else { 10 }),
            processes,
            // The plug-in makes everything much slower, and counts do not get better by repetition.
            quick: self.quick || self.watch().is_some(),
            benchmarks: self.benchmarks()?,
            ..Options::default()
        })
    }

    /// What is asked for. Unless they are named, what moves between tori is done only where there are several, and for
    /// sharing neither that nor programs that make few calls, which say nothing about it and take long.
    fn benchmarks(&self) -> Result<Vec<&'static Benchmark>> {
        let mut benchmarks = catalogue::select(&self.names)?;
        let moves = |benchmark: &&'static Benchmark| benchmark.group == Group::Torus;
        if self.watch() == Some(Watch::Sharing)
            && !self.names.is_empty()
            && benchmarks.iter().any(moves)
        {
            bail!("--sharing is about work on one torus: benchmarks of tori move between them");
        }
        if self.names.is_empty() {
            let is_shared = self.watch() == Some(Watch::Sharing);
            let has_tori = self.tori.is_some_and(|tori| tori > 1);
            benchmarks.retain(|benchmark| match benchmark.group {
                Group::Work => !is_shared,
                Group::Torus => !is_shared && has_tori,
                _ => true,
            });
        }
        Ok(benchmarks)
    }

    /// The machines.
    pub(super) fn shapes(&self) -> Result<Vec<Shape>> {
        let host = std::thread::available_parallelism().map_or(1, usize::from);
        let own = match (self.watch(), self.counts()) {
            (Some(Watch::Sharing), _) => &[2, 4][..],
            (Some(Watch::Latency), _) => &[2],
            (_, true) => &[1],
            (_, false) => &[host.min(4) as u32],
        };
        let list = if self.smp.is_empty() { own } else { &self.smp };
        if self.counts() && list != [1] && self.peer()? != Peer::Nobody {
            bail!(
                "instructions are counted with one core: Linux does not start a second one so (--linux none)"
            );
        }
        if self.counts() && self.accel == Accel::Kvm {
            bail!("--icount counts instructions under TCG only, not under KVM");
        }
        list.iter().map(|&smp| self.shape(smp)).collect()
    }

    fn shape(&self, smp: u32) -> Result<Shape> {
        let is_shared = self.watch() == Some(Watch::Sharing);
        let own = if is_shared {
            (smp / 2).max(smp.min(2))
        } else {
            1
        };
        let tori = self.tori.unwrap_or(own);
        if tori == 0 || tori > smp {
            bail!("--tori {tori} does not fit --smp {smp}");
        }
        if is_shared && !smp.is_multiple_of(tori) {
            bail!("--sharing wants tori of one size: --smp {smp} --tori {tori} has others");
        }
        Ok(Shape { smp, tori })
    }

    /// What QEMU's plug-in is to watch.
    pub(super) fn watch(&self) -> Option<Watch> {
        match (self.sharing, self.profile, self.latency) {
            (true, _, _) => Some(Watch::Sharing),
            (_, true, _) => Some(Watch::Profile),
            (_, _, true) => Some(Watch::Latency),
            (false, false, false) => None,
        }
    }

    /// Whether instructions are the clock.
    pub(super) fn counts(&self) -> bool {
        self.icount || self.profile
    }

    /// How instructions are executed.
    pub(super) fn engine(&self, parts: &Parts) -> Result<Engine> {
        if matches!(self.watch(), Some(Watch::Sharing | Watch::Latency)) && !self.icount {
            return Ok(Engine::Tcg);
        }
        let (qemu, loader) = (&parts.qemu, &parts.boot.loader);
        accel::choose(self.accel, self.counts(), qemu, loader, self.voice())
    }

    pub(super) fn boots(&self) -> u32 {
        self.boots.unwrap_or(if self.icount { 2 } else { 5 })
    }

    /// Which Linux; a file is looked at.
    pub(super) fn peer(&self) -> Result<Peer> {
        if self.latency {
            return Ok(Peer::Nobody);
        }
        Ok(match &self.linux {
            None => Peer::Any,
            Some(path) if path.as_os_str() == "none" => Peer::Nobody,
            Some(path) => Peer::This(Kernel::check(path)?),
        })
    }
}
