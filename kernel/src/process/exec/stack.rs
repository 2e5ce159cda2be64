//! The initial stack of a program, as Linux lays it out for x86-64 (System V ABI, 3.4.1; fs/binfmt_elf.c).
//!
//! From the top: a null word, the executable's name, environment strings, argument strings, platform, random bytes; then
//! aligned to 16 and ascending from the stack pointer: argc, argument pointers, null, environment pointers, null,
//! auxiliary vector.

use super::args::Strings;
use super::elf::Program;
use crate::mem::user::UserSlice;
use crate::process::{random, time};
use crate::signal::frame;
use crate::syscall::call::Stop;
use crate::syscall::errno::Errno;
use alloc::vec::Vec;
use braid_files::credentials::Credentials;

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
const AUXV: usize = 20;
/// HWCAP2_FSGSBASE.
const HWCAP2_FSGSBASE: u64 = 2;
const PLATFORM: &[u8] = b"x86_64\0";

/// Bytes of stack that these strings and their pointers take at most.
pub fn size(name: &[u8], arguments: &Strings, environment: &Strings) -> usize {
    let strings = name.len() + arguments.bytes().len() + environment.bytes().len() + 64;
    strings + (arguments.len() + environment.len() + 4 + 2 * AUXV) * 8 + 64
}

/// Writes the stack below `top` in the address space that is loaded; answers the stack pointer.
pub fn write(
    top: u64,
    name: &[u8],
    arguments: &Strings,
    environment: &Strings,
    program: &Program,
    credentials: &Credentials,
) -> Result<u64, Stop> {
    let mut at = top - 8;
    let mut put = |bytes: &[u8]| -> Result<u64, Stop> {
        at -= bytes.len() as u64;
        UserSlice::new(at as usize, bytes.len())?.write(bytes)?;
        Ok(at)
    };
    put(b"\0")?;
    let name = put(name)?;
    let environment_at = put(environment.bytes())?;
    let arguments_at = put(arguments.bytes())?;
    let platform = put(PLATFORM)?;
    let mut seed = [0; 16];
    random::fill(&mut seed);
    let seed = put(&seed)?;
    let auxv = [
        [AT_HWCAP, u64::from(core::arch::x86_64::__cpuid(1).edx)],
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
            if crate::arch::features::get().fsgsbase {
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
    let mut words = Vec::new();
    let count = 3 + arguments.len() + environment.len() + 2 * AUXV;
    words
        .try_reserve_exact(count * 8)
        .map_err(|_| Errno::ENOMEM)?;
    let mut word = |value: u64| words.extend_from_slice(&value.to_le_bytes());
    word(arguments.len() as u64);
    for (strings, start) in [(arguments, arguments_at), (environment, environment_at)] {
        let mut next = start;
        for string in strings.iter() {
            word(next);
            next += string.len() as u64 + 1;
        }
        word(0);
    }
    auxv.as_flattened().iter().for_each(|value| word(*value));
    let sp = (at - words.len() as u64) & !15;
    UserSlice::new(sp as usize, words.len())?.write(&words)?;
    Ok(sp)
}
