//! System calls: decoding, the table from numbers to functions, and error numbers.

pub mod call;
pub mod errno;
