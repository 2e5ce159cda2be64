//! Lines to measure and check the rings with.

use crate::message::field::Field;

messages! {
    /// Lines to measure and check the rings with.
    protocol 7;

    /// A line to measure and check the rings with.
    1 Probe {
        /// Counts up.
        number: u64,
        /// What the receiver is to find.
        check: u64,
    }
}
