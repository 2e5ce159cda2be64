//! The kernel's lock.

/// A spin lock. The kernel runs with interrupts off, so whoever spins has to serve this core's shootdowns.
pub type Lock<T> = spin::mutex::SpinMutex<T, crate::arch::Relax>;
