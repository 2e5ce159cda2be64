//! The part of the loader that touches the machine.

mod acpi;
mod apic;
mod clock;
mod cpu;
mod departure;
mod files;
mod heap;
mod kernel;
mod memory;
mod processors;
mod pvh;
mod screen;
mod serial;

use alloc::string::String;
use braid_firmware::newc::NewcError;
use braid_loader::{
    config::ConfigError, executable::ExecutableError, map::MapError, paging::PagingError,
    requests::RequestError,
};
use core::{arch::global_asm, fmt::Display};
use thiserror::Error;

global_asm!(
    include_str!("entry.s"),
    start = sym start,
    start_other = sym processors::start_other,
    arrivals = sym processors::ARRIVALS,
    stacks = sym processors::STACKS,
    stack_size = sym processors::STACK_SIZE,
    stack_count = sym processors::STACK_COUNT,
    exception = sym cpu::exception,
);

/// Virtual address at which the kernel finds physical address 0.
const HHDM: u64 = 0xffff_8000_0000_0000;

/// What the identity map covers: everything that the loader itself touches lies below.
const REACH: u64 = 1 << 32;

/// Why there is no boot.
#[derive(Debug, Error)]
enum LoadError {
    #[error(
        "no PVH start info (magic {0:#x}): not started by QEMU, or with more than 4095 bytes of -append"
    )]
    Magic(u32),
    #[error("no boot archive: QEMU needs -initrd")]
    NoArchive,
    #[error("{0} at {1:#x} is out of the loader's reach (4 GiB)")]
    Reach(&'static str, u64),
    #[error("the boot archive has no file `{0}`")]
    Missing(String),
    #[error("limine.cfg has {0} bytes; the limit is {1}")]
    LargeConfig(usize, usize),
    #[error("the kernel insists on five-level paging, which this loader does not do")]
    FiveLevel,
    #[error("the kernel's internal module {0} is not described inside its image")]
    BadInternalModule(u64),
    #[error("{0}")]
    Archive(#[from] NewcError),
    #[error("{0}")]
    Config(#[from] ConfigError),
    #[error("{0}")]
    Executable(#[from] ExecutableError),
    #[error("{0}")]
    Map(#[from] MapError),
    #[error("{0}")]
    Paging(#[from] PagingError),
    #[error("{0}")]
    Request(#[from] RequestError),
}

/// The first Rust code, on the stack of `entry.s`, with the physical address of the PVH start info.
extern "C" fn start(info: u32) -> ! {
    serial::prepare();
    cpu::prepare();
    match pvh::BootInfo::read(info).and_then(|boot| kernel::load(&boot)) {
        Ok(departure) => departure.go(),
        Err(error) => refuse(&error),
    }
}

/// Says on COM1 why there is no boot, and ends the machine.
fn refuse(why: &dyn Display) -> ! {
    serial::line(format_args!("error: {why}"));
    cpu::end_machine()
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    refuse(info)
}
