//! With what a program was started, as `/proc` shows it.

use super::exec::args::Strings;
use alloc::vec::Vec;
use fallible::{NoMemory, TryVec};
use spin::Once;

/// Words of the auxiliary vector.
pub const AUXILIARY: usize = 40;

/// The most bytes of arguments, and of environment, that are kept.
const KEPT: usize = 32 << 10;

/// Arguments and environment of a program, each string with its NUL.
#[derive(Debug)]
pub struct Command {
    /// The arguments.
    pub arguments: Vec<u8>,
    /// The environment.
    pub environment: Vec<u8>,
    /// The auxiliary vector, once it has been made.
    pub auxiliary: Once<[u64; AUXILIARY]>,
}

impl Command {
    /// A copy of what a program is given.
    ///
    /// # Errors
    /// [`NoMemory`].
    pub fn new(arguments: &Strings, environment: &Strings) -> Result<Self, NoMemory> {
        let kept = |strings: &Strings| {
            let mut bytes = fallible::with_capacity(strings.size().min(KEPT))?;
            for part in strings.parts() {
                let room = KEPT - bytes.len();
                bytes.try_extend_from_slice(&part[..part.len().min(room)])?;
            }
            Ok::<_, NoMemory>(bytes)
        };
        Ok(Self {
            arguments: kept(arguments)?,
            environment: kept(environment)?,
            auxiliary: Once::new(),
        })
    }
}
