//! The command line of `braid bench`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use braid_bench::catalogue;
use braid_bench::options::{Clock, Options};
use clap::Args;

use super::linux::Kernel;
use super::results::Shape;
use crate::accel::Accel;
use crate::cli::{parse_seconds, parse_size};
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
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=255))]
    smp: Vec<u32>,
    /// Tori of Braid
    #[arg(long, value_name = "T", default_value_t = 1)]
    tori: u32,
    /// Memory: bytes, or with K, M or G
    #[arg(long, value_name = "SIZE", default_value = "1G", value_parser = parse_size)]
    pub(super) mem: u64,
    /// How instructions are executed
    #[arg(long, value_enum, default_value_t)]
    pub(super) accel: Accel,
    /// Count instructions instead of measuring time
    #[arg(long)]
    pub(super) icount: bool,
    /// Boots of each kernel, in turns [default: 5; with --icount 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    boots: Option<u32>,
    /// Samples of each figure and boot [default: 10; with --icount 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    samples: Option<u32>,
    /// How many processes at once do what scales [default: 1,2,4,8; with --icount 1]
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=64))]
    processes: Vec<u32>,
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
    #[arg(long, value_name = "S", default_value = "600", value_parser = parse_seconds)]
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
            quick: self.quick,
            benchmarks: catalogue::select(&self.names)?,
            ..Options::default()
        })
    }

    /// The machines.
    pub(super) fn shapes(&self) -> Result<Vec<Shape>> {
        let host = std::thread::available_parallelism().map_or(1, usize::from);
        let own = if self.icount { 1 } else { host.min(4) as u32 };
        let list = if self.smp.is_empty() {
            &[own]
        } else {
            &self.smp[..]
        };
        if self.icount && list != [1] {
            bail!("--icount counts with one core: Linux does not start a second one under it");
        }
        if self.icount && self.accel == Accel::Kvm {
            bail!("--icount counts instructions under TCG only, not under KVM");
        }
        let shape = |&smp: &u32| {
            if self.tori == 0 || self.tori > smp {
                bail!("--tori {} does not fit --smp {smp}", self.tori);
            }
            Ok(Shape {
                smp,
                tori: self.tori,
            })
        };
        list.iter().map(shape).collect()
    }

    pub(super) fn boots(&self) -> u32 {
        self.boots.unwrap_or(if self.icount { 2 } else { 5 })
    }

    /// Which Linux; a file is looked at.
    pub(super) fn peer(&self) -> Result<Peer> {
        Ok(match &self.linux {
            None => Peer::Any,
            Some(path) if path.as_os_str() == "none" => Peer::Nobody,
            Some(path) => Peer::This(Kernel::check(path)?),
        })
    }
}
