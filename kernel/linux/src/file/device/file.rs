//! A device as an open file: none of them has a state.

use super::Device;
use crate::file::caller::Caller;
use crate::file::io::Transfer;
use crate::file::kind::File;
use crate::file::open::OpenFile;
use crate::file::transfer::BLOCK;
use crate::file::tree::Node;
use crate::process::random;
use crate::syscall::call::SysResult;
use crate::syscall::errno::Errno;
use braid_files::remote::image::Spot;
use braid_threads::interruption::Interruption;
use machine::cpu;

/// Random bytes that are made between two looks for interrupts.
const RANDOM_PIECE: usize = 512;

impl File for Device {
    fn read(&self, _open: &OpenFile, _caller: &dyn Caller, io: &mut Transfer) -> SysResult {
        let mut block = [0; BLOCK];
        while io.left() > 0 {
            match self {
                Device::Null => break,
                Device::Random | Device::Urandom => {
                    for piece in block.chunks_mut(RANDOM_PIECE) {
                        random::fill(piece);
                        cpu::let_interrupts_in();
                    }
                }
                _ => {}
            }
            if let Err(stop) = io.put(&block) {
                io.stopped(stop)?;
                break;
            }
            io.pause()?;
        }
        Ok(io.done())
    }

    fn write(&self, _open: &OpenFile, _caller: &dyn Caller, io: &mut Transfer) -> SysResult {
        match self {
            Device::Full if io.left() > 0 => Err(Errno::ENOSPC.into()),
            // As on Linux, what is thrown away is not even looked at.
            _ => Ok(io.total()),
        }
    }

    fn interruption(&self) -> Interruption {
        Interruption::Restarts
    }

    fn end(&self) -> Option<u64> {
        None
    }

    fn is_zeros(&self) -> bool {
        matches!(self, Self::Zero)
    }

    fn node(&self) -> Option<Node> {
        Some(Node::Device(*self))
    }

    fn spot(&self) -> Option<Spot> {
        self.position().map(|index| Spot::Device { index })
    }
}
