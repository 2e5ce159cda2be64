//! Braid's calls about memory objects (`docs/abi.md`).

use crate::{Answer, call};

/// No bound for a builder.
pub const STREAMING: usize = usize::MAX;
/// The right to read bytes and the id, and to make other objects.
pub const READ: usize = 1;
/// The right to map.
pub const MAP: usize = 2;
/// The right to map executable.
pub const EXECUTE: usize = 4;
/// The right to give the object to a child.
pub const TRANSFER: usize = 8;

/// A new builder of at most so many bytes.
#[must_use = "the answer says what happened"]
pub fn builder(most: usize) -> Answer {
    call(4100, [most, 0])
}

/// Appends to a builder.
#[must_use = "the answer says what happened"]
pub fn append(builder: usize, bytes: &[u8]) -> Answer {
    call(4101, [builder, bytes.as_ptr() as usize, bytes.len()])
}

/// Patches an object or a builder: offsets and bytes.
#[must_use = "the answer says what happened"]
pub fn patch(descriptor: usize, patches: &[(u64, &[u8])]) -> Answer {
    let word =
        |&(offset, bytes): &(u64, &[u8])| [offset as usize, bytes.as_ptr() as usize, bytes.len()];
    let words: Vec<[usize; 3]> = patches.iter().map(word).collect();
    call(4102, [descriptor, words.as_ptr() as usize, words.len(), 0])
}

/// Seals what a builder has.
#[must_use = "the answer says what happened"]
pub fn commit(builder: usize) -> Answer {
    call(4103, [builder, 0])
}

/// A part of an object.
#[must_use = "the answer says what happened"]
pub fn slice(object: usize, start: usize, end: usize) -> Answer {
    call(4104, [object, start, end, 0])
}

/// Two objects, one after the other.
#[must_use = "the answer says what happened"]
pub fn concat(first: usize, second: usize) -> Answer {
    call(4105, [first, second, 0])
}

/// The id, in hexadecimal digits.
///
/// # Errors
/// The call's.
pub fn id(object: usize) -> Result<String, i32> {
    let mut id = [0u8; 32];
    call(4106, [object, id.as_mut_ptr() as usize])?;
    Ok(id.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Private memory as an object.
#[must_use = "the answer says what happened"]
pub fn snapshot(address: usize, length: usize) -> Answer {
    call(4107, [address, length, 0])
}

/// The same object with fewer rights.
#[must_use = "the answer says what happened"]
pub fn restrict(object: usize, rights: usize) -> Answer {
    call(4108, [object, rights, 0])
}

/// A file of the boot archive as an object.
#[must_use = "the answer says what happened"]
pub fn of_file(file: usize) -> Answer {
    call(4109, [file, 0])
}

/// The rights of a descriptor.
#[must_use = "the answer says what happened"]
pub fn rights(object: usize) -> Answer {
    call(4110, [object])
}

/// An object of these bytes.
///
/// # Panics
/// There is none.
#[must_use]
pub fn object(bytes: &[u8]) -> usize {
    let made = builder(STREAMING).expect("a builder");
    append(made, bytes).expect("bytes");
    let object = commit(made).expect("an object");
    close(made);
    object
}

/// Closes a descriptor.
///
/// # Panics
/// It is not open.
pub fn close(descriptor: usize) {
    call(libc::SYS_close, [descriptor]).expect("open");
}

/// Bytes that tests know: no page of them is like another.
#[must_use]
pub fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut x = seed;
    let words = std::iter::repeat_with(|| {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        x.to_le_bytes()
    });
    words.flatten().take(len).collect()
}
