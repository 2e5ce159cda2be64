//! Time as the scheduler counts it: nanoseconds since boot (monotonic).

pub use braid_time::{Invalid, Nanos, next_firing};
