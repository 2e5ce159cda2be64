//! The terminal.

/// Bytes from the host.
pub fn input(_bytes: &[u8]) {}

/// No more bytes will come.
pub fn end_of_input() {}

/// The window has another size.
pub fn resize(_rows: u16, _columns: u16) {}
