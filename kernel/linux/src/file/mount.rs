//! File systems.

/// The file system a node is on: its device number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mount {
    /// The boot archive.
    Archive = 1,
    /// `/tmp`.
    Tmp = 2,
    /// `/dev`.
    Dev = 3,
    /// `/proc`.
    Proc = 4,
    /// Pipes.
    Pipe = 5,
}
