//! What makes a file a program: ELF headers ([`elf`]) and `#!` lines ([`script`]), by Linux's rules.

pub mod elf;
pub mod script;
