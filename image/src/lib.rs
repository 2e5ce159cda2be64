//! Builds, boots and drives Braid machines.
