//! An end of a pipe as an open file.

use super::PipeEnd;
use crate::file::caller::Caller;
use crate::file::flags::Flags;
use crate::file::io::Transfer;
use crate::file::kind::{File, nameless};
use crate::file::open::OpenFile;
use crate::file::service::poll;
use crate::file::service::subject::bytes;
use crate::file::tty::ioctl::FIONREAD;
use crate::syscall::call::{Stop, SysResult};
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;
use braid_files::stat::{S_IFIFO, Stat};
use braid_threads::interruption::Interruption;
use fallible::{NoMemory, text};
use sync::Waiter;

impl File for PipeEnd {
    fn read(&self, open: &OpenFile, caller: &dyn Caller, io: &mut Transfer) -> SysResult {
        self.take_out(caller, io, open.waits())
    }

    fn write(&self, open: &OpenFile, caller: &dyn Caller, io: &mut Transfer) -> SysResult {
        let packet = open.flags().contains(Flags::DIRECT);
        self.put_in(caller, io, open.waits(), packet)
    }

    fn events(&self, _wanted: u16, waiter: Option<&Arc<dyn Waiter>>) -> u16 {
        let state = self.state(waiter);
        let readable = if state.readable { poll::READABLE } else { 0 };
        let writable = if state.writable { poll::WRITABLE } else { 0 };
        let closed = match (state.closed, self.writes) {
            (false, _) => 0,
            (true, false) => poll::HUP,
            (true, true) => poll::ERR,
        };
        readable | writable | closed
    }

    fn interruption(&self) -> Interruption {
        Interruption::Restarts
    }

    fn has_positions(&self) -> bool {
        false
    }

    fn is_never_code(&self) -> bool {
        true
    }

    fn control(
        &self,
        _caller: &dyn Caller,
        request: u32,
        _argument: u64,
        _input: &[u8],
    ) -> Result<Vec<u8>, Stop> {
        match request {
            FIONREAD => Ok(bytes(&(self.available() as u32).to_le_bytes())?),
            _ => Err(Errno::ENOTTY.into()),
        }
    }

    fn pipe_size(&self, bytes: Option<u64>) -> Result<usize, Errno> {
        match bytes {
            None => Ok(self.size()),
            Some(bytes) => self.resize(bytes),
        }
    }

    fn stat(&self) -> Stat {
        nameless(S_IFIFO | 0o600, self.shared.number)
    }

    fn name(&self) -> Result<Vec<u8>, NoMemory> {
        text(format_args!("pipe:[{}]", self.shared.number))
    }
}
