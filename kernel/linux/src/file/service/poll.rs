//! Events: what can be done with an open file without waiting (poll(2)).

pub const IN: u16 = 0x1;
pub const OUT: u16 = 0x4;
pub const ERR: u16 = 0x8;
pub const HUP: u16 = 0x10;
pub const NVAL: u16 = 0x20;
const RDNORM: u16 = 0x40;
const WRNORM: u16 = 0x100;

/// What is told whether wanted or not.
pub const ALWAYS: u16 = ERR | HUP;

/// It can be read.
pub const READABLE: u16 = IN | RDNORM;
/// It can be written.
pub const WRITABLE: u16 = OUT | WRNORM;
