//! What layers above have of each process: its descriptors, its way to another torus. Processes are made with it, and know no more of it.

use super::state::Process;
use crate::syscall::errno::Errno;
use alloc::boxed::Box;
use core::any::Any;
use fallible::{NoMemory, boxed};
use torus::TorusId;
use torus::pid::Pid;

/// A process's way to another torus.
pub trait Moves: Any + Send + Sync {
    /// Its parent, whose call waits for an answer with this token, wants it on a torus. EBUSY when it is on its way already.
    fn wants(&self, to: TorusId, parent: (Pid, u64)) -> Result<(), Errno>;
}

/// What layers above have of a process.
pub struct Parts {
    files: Box<dyn Any + Send + Sync>,
    moves: Box<dyn Moves>,
}

impl Parts {
    /// Of a new process. [`NoMemory`] without memory for them.
    pub fn new(files: impl Any + Send + Sync, moves: impl Moves) -> Result<Self, NoMemory> {
        Ok(Self {
            files: boxed(files)?,
            moves: boxed(moves)?,
        })
    }
}

impl Process {
    /// Its descriptors, as the layer that made them knows them.
    ///
    /// # Panics
    /// They were made as another type.
    pub fn files_as<T: Any>(&self) -> &T {
        let files = self.parts.files.downcast_ref();
        files.unwrap_or_else(|| unreachable!("a process was made with other files"))
    }

    /// Its way to another torus.
    pub fn moves(&self) -> &dyn Moves {
        &*self.parts.moves
    }

    /// The same, as the layer that made it knows it.
    ///
    /// # Panics
    /// It was made as another type.
    pub fn moves_as<T: Any>(&self) -> &T {
        let moves = (self.moves() as &dyn Any).downcast_ref();
        moves.unwrap_or_else(|| unreachable!("a process was made with other moves"))
    }
}
