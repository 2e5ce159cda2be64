//! What descriptors of the console name: the terminal, or two plain streams.

use super::{
    has_ended, ioctl, is_readable, is_terminal, read, read_plain, shown_on, write, write_plain,
};
use crate::console::Output;
use crate::file::caller::Caller;
use crate::file::device::Device;
use crate::file::flags::Flags;
use crate::file::io::Transfer;
use crate::file::kind::{File, nameless};
use crate::file::open::OpenFile;
use crate::file::service::poll;
use crate::file::service::subject::bytes;
use crate::file::tree::Node;
use crate::file::tty::ioctl::FIONREAD;
use crate::syscall::call::{Stop, SysResult};
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;
use braid_files::stat::{S_IFIFO, Stat};
use braid_threads::interruption::Interruption;
use fallible::{NoMemory, to_vec};
use sync::Waiter;

/// What the first process has as descriptor 0, 1 or 2.
pub fn console(fd: usize) -> Result<Arc<OpenFile>, Errno> {
    let output = if fd == 2 {
        Output::Stderr
    } else {
        Output::Stdout
    };
    match fd {
        _ if is_terminal(fd) => {
            let terminal = Terminal::new(Device::Console, shown_on(fd));
            OpenFile::new(terminal, Flags::RDWR)
        }
        0 => OpenFile::new(Input, Flags::RDONLY),
        _ => OpenFile::new(Stream(output), Flags::WRONLY),
    }
}

/// The events of the console's input. All tori share it: it is not asked for what nobody wants to know.
fn input_events(wanted: u16, waiter: Option<&Arc<dyn Waiter>>) -> u16 {
    if wanted & poll::READABLE != 0 && is_readable(waiter) {
        poll::READABLE
    } else {
        0
    }
}

/// The terminal, by the device that it was opened as; what is written to it appears on this output.
pub struct Terminal {
    device: Device,
    output: Output,
}

impl Terminal {
    /// Opened as this device.
    pub const fn new(device: Device, output: Output) -> Self {
        Self { device, output }
    }
}

impl File for Terminal {
    fn read(&self, open: &OpenFile, caller: &dyn Caller, io: &mut Transfer) -> SysResult {
        read(caller, io, open.waits())
    }

    fn write(&self, _open: &OpenFile, caller: &dyn Caller, io: &mut Transfer) -> SysResult {
        write(caller, io, self.output)
    }

    fn events(&self, wanted: u16, waiter: Option<&Arc<dyn Waiter>>) -> u16 {
        input_events(wanted, waiter) | poll::WRITABLE
    }

    fn interruption(&self) -> Interruption {
        Interruption::Restarts
    }

    fn has_positions(&self) -> bool {
        false
    }

    fn control(
        &self,
        caller: &dyn Caller,
        request: u32,
        argument: u64,
        input: &[u8],
    ) -> Result<Vec<u8>, Stop> {
        ioctl::ioctl(caller, request, argument, input)
    }

    fn node(&self) -> Option<Node> {
        Some(Node::Device(self.device))
    }

    /// The first process's are shared, and not opened anew.
    fn followed(&self) -> Option<Node> {
        self.node().filter(|_| self.device != Device::Console)
    }

    fn is_terminal(&self) -> bool {
        true
    }
}

/// Attributes of the console that is no terminal: a pipe.
fn stream_stat() -> Stat {
    nameless(S_IFIFO | 0o600, 1)
}

/// What `/proc/PID/fd` shows for it.
fn stream_name() -> Result<Vec<u8>, NoMemory> {
    to_vec(b"pipe:[1]")
}

/// The console's input when it is not a terminal.
pub struct Input;

impl File for Input {
    fn read(&self, open: &OpenFile, caller: &dyn Caller, io: &mut Transfer) -> SysResult {
        read_plain(caller, io, open.waits())
    }

    fn events(&self, wanted: u16, waiter: Option<&Arc<dyn Waiter>>) -> u16 {
        input_events(wanted, waiter) | if has_ended() { poll::HUP } else { 0 }
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
            FIONREAD => Ok(bytes(&(super::available() as u32).to_le_bytes())?),
            _ => Err(Errno::ENOTTY.into()),
        }
    }

    fn stat(&self) -> Stat {
        stream_stat()
    }

    fn name(&self) -> Result<Vec<u8>, NoMemory> {
        stream_name()
    }
}

/// The console's output when it is not a terminal.
pub struct Stream(Output);

impl File for Stream {
    fn write(&self, _open: &OpenFile, _caller: &dyn Caller, io: &mut Transfer) -> SysResult {
        write_plain(io, self.0)
    }

    fn events(&self, _wanted: u16, _waiter: Option<&Arc<dyn Waiter>>) -> u16 {
        poll::WRITABLE
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

    fn stat(&self) -> Stat {
        stream_stat()
    }

    fn name(&self) -> Result<Vec<u8>, NoMemory> {
        stream_name()
    }
}
