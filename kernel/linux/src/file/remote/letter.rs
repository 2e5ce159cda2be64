//! What a parcel's letter says: a request or an answer, encoded.

use alloc::vec::Vec;
use braid_files::remote::wire::{Reader, Wire, WireError, Writer};
use fallible::{TryVec, with_capacity};
use ipc::parcel::Frames;
use machine::cpu;
use vm::addr::PAGE_SIZE;

/// Letters that are read without memory: all that say that the asker holds something now.
pub const SHORT: usize = 64;

/// Writes a letter, encoded in `memory` as far as that is enough. A letter that does not fit, or for which there is no memory,
/// is empty.
pub fn write(to: &Frames, letter: &impl Wire, memory: Vec<u8>) {
    let mut bytes = Writer::pausing(cpu::let_interrupts_in).in_memory(memory);
    letter.put(&mut bytes);
    to.seal(&bytes.finish().unwrap_or_default());
}

/// The letter that was written.
pub fn read<T: Wire>(from: &Frames) -> Result<T, WireError> {
    let len = from.letter_len();
    // Without memory: what such a letter gives to the asker would be lost with it.
    let mut short = [0; SHORT];
    if let Some(bytes) = short.get_mut(..len) {
        from.read_letter(0, bytes);
        return T::from_bytes(bytes);
    }
    let mut bytes = with_capacity(len)?;
    while bytes.len() < len {
        let at = bytes.len();
        bytes.try_resize(len.min(at + PAGE_SIZE), 0)?;
        from.read_letter(at, &mut bytes[at..]);
        cpu::let_interrupts_in();
    }
    let mut from = Reader::pausing(&bytes, cpu::let_interrupts_in);
    let value = T::get(&mut from)?;
    from.end()?;
    Ok(value)
}
