//! The benchmarks' work.

mod calls;
mod compute;
mod faults;
mod maps;
mod processes;
mod tori;

use std::io;

/// What all work is made for.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// The path of this program.
    pub(crate) own: String,
    /// Small amounts.
    pub(crate) quick: bool,
    /// Processes at once are on different tori.
    pub(crate) spread: bool,
    /// Bytes of memory, for benchmarks with several sizes.
    pub(crate) size: u64,
}

impl Setting {
    /// `amount`, or a part of it when the run is to be quick.
    fn scaled(&self, amount: usize) -> usize {
        if self.quick {
            amount.div_ceil(16)
        } else {
            amount
        }
    }
}

/// A benchmark's work, in rounds.
pub(crate) trait Work {
    /// Operations in a round.
    fn operations(&self) -> u64;

    /// Memory that they are about, in bytes; 0 where that means nothing.
    fn bytes(&self) -> u64 {
        0
    }

    /// What has to be there before a round; not measured.
    fn prepare(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// The operations.
    fn round(&mut self) -> io::Result<()>;

    /// What has to go after a round; not measured.
    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The work of a benchmark of the catalogue.
pub(crate) fn make(name: &str, setting: &Setting) -> io::Result<Box<dyn Work>> {
    use faults::{Order, Pages, Touch};
    Ok(match name {
        "null-call" => Box::new(calls::NullCall::new(setting)),
        "fault-page-write" => Box::new(faults::Single::new(setting, Touch::Write)),
        "fault-page-read" => Box::new(faults::Single::new(setting, Touch::Read)),
        "fault-write" => Box::new(Pages::new(setting, Touch::Write, Order::Rising)),
        "fault-write-random" => Box::new(Pages::new(setting, Touch::Write, Order::Random)),
        "fault-write-huge" => Box::new(Pages::huge(setting)),
        "fault-read" => Box::new(Pages::new(setting, Touch::Read, Order::Rising)),
        "fault-read-random" => Box::new(Pages::new(setting, Touch::Read, Order::Random)),
        "fault-file" => Box::new(Pages::file(setting, Order::Rising)?),
        "fault-file-random" => Box::new(Pages::file(setting, Order::Random)?),
        "fault-copy" => Box::new(faults::Copies::new(setting)?),
        "map-unmap" => Box::new(maps::MapUnmap::new(setting, false)),
        "map-touch" => Box::new(maps::MapUnmap::new(setting, true)),
        "protect" => Box::new(maps::Protect::new(setting)?),
        "brk" => Box::new(maps::Brk::new(setting)),
        "fork-1m" => Box::new(processes::Fork::new(setting, 1)?),
        "fork-256m" => Box::new(processes::Fork::new(setting, 256)?),
        "exec" => Box::new(processes::Exec::new(setting)?),
        "switch" => Box::new(processes::Switch::new(setting)?),
        "torus-message" => Box::new(tori::Messages::new(setting)?),
        "torus-pipe" => Box::new(processes::Switch::across(setting)?),
        "migrate" => Box::new(tori::Move::new(setting, tori::Until::Goes)?),
        "settle" => Box::new(tori::Move::new(setting, tori::Until::Settled)?),
        "pull" => Box::new(tori::Pull::new(setting, Order::Rising)?),
        "pull-random" => Box::new(tori::Pull::new(setting, Order::Random)?),
        "touch-moved" => Box::new(tori::Touch::new(setting, true)?),
        "touch-stayed" => Box::new(tori::Touch::new(setting, false)?),
        "user-loop" => Box::new(compute::Loop::new(setting)),
        "compute" => Box::new(compute::Compute::new(setting)),
        _ => return Err(io::Error::other("the program does not know this benchmark")),
    })
}
