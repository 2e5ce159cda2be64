//! What tori say about the beginning and the end of the machine.

use crate::message::field::Field;

messages! {
    /// The beginning and the end of the machine.
    protocol 6;

    /// To every torus: start the first program too.
    1 Begin {}
    /// To a torus, at boot: the disk that you are to swap to is ready to be taken.
    2 OpenSwap {}
    /// To every torus: the first process has ended, which waits until nothing is left of any other.
    3 End {
        /// Kill those who live.
        kill: bool,
    }
    /// To every torus, when the end takes long: say in the log what is left.
    4 Linger {}
    /// To a torus of which nothing is left: let caches go and settle the account.
    5 Close {}
    /// To the torus of the first process: what it asked for has been done.
    6 Done {}
}
