//! Time as the scheduler counts it.

/// Nanoseconds since boot (monotonic).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Nanos(pub u64);
