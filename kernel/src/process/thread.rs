//! Threads: registers and a state.

/// One flow of control of a process.
pub struct Thread {}

impl Thread {
    /// Whether it has ended.
    pub fn is_dead(&self) -> bool {
        false
    }

    /// Makes it run (again), or remember that it has to.
    pub fn wake(&self) {}
}
