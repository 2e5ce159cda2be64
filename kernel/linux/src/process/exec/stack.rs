//! The initial stack of a program, as Linux lays it out for x86-64 (System V ABI, 3.4.1; fs/binfmt_elf.c).
//!
//! From the top: a null word, the executable's name, environment strings, argument strings, platform, random bytes; then
//! aligned to 16 and ascending from the stack pointer: argc, argument pointers, null, environment pointers, null,
//! auxiliary vector.

use super::args::Strings;
use crate::process::command::{AUXILIARY, Command};
use crate::process::{random, time};
use crate::signal::frame;
use crate::syscall::call::Stop;
use braid_files::credentials::Credentials;
use braid_files::executable::elf::Plan;
use machine::cpu;
use mem::user::UserSlice;
use tori::pieces;

/// Auxiliary vector entries (getauxval(3)).
const AT_PHDR: u64 = 3;
const AT_PHENT: u64 = 4;
const AT_PHNUM: u64 = 5;
const AT_PAGESZ: u64 = 6;
const AT_BASE: u64 = 7;
const AT_FLAGS: u64 = 8;
const AT_ENTRY: u64 = 9;
const AT_UID: u64 = 11;
const AT_EUID: u64 = 12;
const AT_GID: u64 = 13;
const AT_EGID: u64 = 14;
const AT_PLATFORM: u64 = 15;
const AT_HWCAP: u64 = 16;
const AT_CLKTCK: u64 = 17;
const AT_SECURE: u64 = 23;
const AT_RANDOM: u64 = 25;
const AT_HWCAP2: u64 = 26;
const AT_EXECFN: u64 = 31;
const AT_MINSIGSTKSZ: u64 = 51;
const AUXV: usize = AUXILIARY / 2;
/// HWCAP2_FSGSBASE.
const HWCAP2_FSGSBASE: u64 = 2;
const PLATFORM: &[u8] = b"x86_64\0";

/// Bytes of stack that these strings and their pointers take at most.
pub fn size(name: &[u8], arguments: &Strings, environment: &Strings) -> usize {
    let strings = name.len() + arguments.size() + environment.size() + 64;
    strings + (arguments.len() + environment.len() + 4 + 2 * AUXV) * 8 + 64
}

/// Writes the stack below `top` in the address space that is loaded, and notes its auxiliary vector; answers the stack pointer.
pub fn write(
    top: u64,
    name: &[u8],
    arguments: &Strings,
    environment: &Strings,
    program: &Plan,
    credentials: &Credentials,
    command: &Command,
) -> Result<u64, Stop> {
    let mut at = top - 8;
    put_below(&mut at, b"\0")?;
    let name = put_below(&mut at, name)?;
    let [environment_at, arguments_at] = [environment, arguments].map(|strings| {
        at -= strings.size() as u64;
        at
    });
    for (strings, start) in [(environment, environment_at), (arguments, arguments_at)] {
        let mut out = Ascending::new(start);
        strings.parts().try_for_each(|part| out.put(part))?;
    }
    let mut put = |bytes: &[u8]| put_below(&mut at, bytes);
    let platform = put(PLATFORM)?;
    let mut seed = [0; 16];
    random::fill(&mut seed);
    let seed = put(&seed)?;
    let auxv = [
        [AT_HWCAP, u64::from(machine::features::hwcap())],
        [AT_PAGESZ, 4096],
        [AT_CLKTCK, time::TICKS],
        [AT_PHDR, program.headers],
        [AT_PHENT, 56],
        [AT_PHNUM, program.header_count],
        [AT_BASE, 0],
        [AT_FLAGS, 0],
        [AT_ENTRY, program.entry],
        [AT_UID, credentials.user.real.into()],
        [AT_EUID, credentials.user.effective.into()],
        [AT_GID, credentials.group.real.into()],
        [AT_EGID, credentials.group.effective.into()],
        [AT_SECURE, credentials.is_set_id().into()],
        [AT_RANDOM, seed],
        [
            AT_HWCAP2,
            if machine::features::get().fsgsbase {
                HWCAP2_FSGSBASE
            } else {
                0
            },
        ],
        [AT_EXECFN, name],
        [AT_PLATFORM, platform],
        [AT_MINSIGSTKSZ, frame::max_size() as u64],
        [0, 0],
    ];
    let count = 3 + arguments.len() + environment.len() + 2 * AUXV;
    let sp = (at - count as u64 * 8) & !15;
    let mut out = Ascending::new(sp);
    out.word(arguments.len() as u64)?;
    for (strings, start) in [(arguments, arguments_at), (environment, environment_at)] {
        let mut next = start;
        for string in strings.iter() {
            out.word(next)?;
            next += string.len() as u64 + 1;
            pieces::step();
        }
        out.word(0)?;
    }
    for value in auxv.as_flattened() {
        out.word(*value)?;
    }
    if let Ok(words) = auxv.as_flattened().try_into() {
        command.auxiliary.call_once(|| words);
    }
    Ok(sp)
}

/// Writes bytes below `at`, which then is where they begin.
fn put_below(at: &mut u64, bytes: &[u8]) -> Result<u64, Stop> {
    *at -= bytes.len() as u64;
    UserSlice::new(*at as usize, bytes.len())?.write(bytes)?;
    Ok(*at)
}

/// Writes one thing after the other.
struct Ascending(u64);

impl Ascending {
    const fn new(at: u64) -> Self {
        Self(at)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        cpu::let_interrupts_in();
        UserSlice::new(self.0 as usize, bytes.len())?.write(bytes)?;
        self.0 += bytes.len() as u64;
        Ok(())
    }

    fn word(&mut self, value: u64) -> Result<(), Stop> {
        self.put(&value.to_le_bytes())
    }
}
