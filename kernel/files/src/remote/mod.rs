//! What tori say to each other about files: an open file stays on the torus where it was opened, its *home*, and is used from
//! elsewhere by asking there.
//!
//! [`ask`] is what is asked, [`answer`] what comes back, [`wire`] the bytes of both; [`exports`] are the files that a home keeps for
//! others, by the numbers that [`slots`] gives; [`image`] is what a process takes along when it moves.

pub mod answer;
pub mod ask;
pub mod exports;
pub mod image;
pub mod requests;
pub mod slots;
pub mod wire;

#[cfg(test)]
mod tests;
