//! `/proc/sys`: what can be asked of the kernel by name. Nothing of it can be changed: whoever writes to it may say what it is.

use super::text::Text;
use crate::process::charge::{self, Kind};
use crate::process::identity::UNAME;
use crate::process::{random, users};
use crate::syscall::errno::Errno;
use braid_files::pipe;

/// The path below `/proc/sys`, and who writes the value.
type Entry = (&'static str, fn(&mut Text));

/// All values, ordered by path.
pub(super) const ENTRIES: [Entry; 28] = [
    ("fs/file-max", |text| {
        number(text, charge::of_machine(Kind::File).1);
    }),
    ("fs/file-nr", file_number),
    ("fs/nr_open", |text| number(text, 1 << 20)),
    ("fs/pipe-max-size", |text| {
        number(text, pipe::SIZE_MAX as u64)
    }),
    ("fs/pipe-user-pages-hard", |text| number(text, 0)),
    ("fs/pipe-user-pages-soft", |text| {
        number(text, pipe::USER_SOFT);
    }),
    ("fs/protected_fifos", |text| number(text, 0)),
    ("fs/protected_hardlinks", |text| number(text, 1)),
    ("fs/protected_regular", |text| number(text, 0)),
    ("fs/protected_symlinks", |text| number(text, 1)),
    ("kernel/cap_last_cap", |text| number(text, 40)),
    ("kernel/core_pattern", |text| text.bytes(b"core\n")),
    ("kernel/domainname", |text| text.bytes(b"(none)\n")),
    ("kernel/hostname", |text| named(text, 1)),
    ("kernel/ngroups_max", |text| number(text, 65536)),
    ("kernel/osrelease", |text| named(text, 2)),
    ("kernel/ostype", |text| named(text, 0)),
    ("kernel/pid_max", |text| {
        number(text, (tori::count() as u64) << 22);
    }),
    ("kernel/random/boot_id", boot_id),
    ("kernel/random/entropy_avail", |text| number(text, 256)),
    ("kernel/random/uuid", uuid),
    ("kernel/randomize_va_space", |text| number(text, 2)),
    ("kernel/tainted", |text| number(text, 0)),
    ("kernel/threads-max", |text| number(text, users::most())),
    ("kernel/version", |text| named(text, 3)),
    ("vm/max_map_count", |text| {
        number(text, vm::space::MAX_MAPPINGS as u64)
    }),
    ("vm/mmap_min_addr", |text| {
        number(text, vm::space::LOWEST.0 << 12)
    }),
    ("vm/overcommit_memory", |text| number(text, 1)),
];

/// What can be written on Linux neither.
const FIXED: [&str; 9] = [
    "fs/file-nr",
    "kernel/cap_last_cap",
    "kernel/ngroups_max",
    "kernel/osrelease",
    "kernel/ostype",
    "kernel/random/boot_id",
    "kernel/random/entropy_avail",
    "kernel/random/uuid",
    "kernel/version",
];

fn number(text: &mut Text, value: u64) {
    text.put(format_args!("{value}\n"));
}

fn named(text: &mut Text, index: usize) {
    text.put(format_args!("{}\n", UNAME[index]));
}

/// Open files, those that are kept for later, and how many there may be.
fn file_number(text: &mut Text) {
    let (used, most) = charge::of_machine(Kind::File);
    text.put(format_args!("{used}\t0\t{most}\n"));
}

/// An id of random bytes, as RFC 9562 writes it.
fn id(text: &mut Text, bytes: [u8; 16]) {
    let value = u128::from_be_bytes(bytes) & !(0xf << 76 | 0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    text.put(format_args!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}\n",
        value >> 96,
        value >> 80 & 0xffff,
        value >> 64 & 0xffff,
        value >> 48 & 0xffff,
        value & 0xffff_ffff_ffff
    ));
}

fn uuid(text: &mut Text) {
    let mut bytes = [0; 16];
    random::fill(&mut bytes);
    id(text, bytes);
}

/// The same as long as the machine runs: by the time when it was booted.
fn boot_id(text: &mut Text) {
    let now = super::super::facts::now().get();
    let wall = super::super::facts::wall();
    let boot = wall.seconds * 1_000_000_000 + u64::from(wall.nanos) - now;
    let mixed = u128::from(boot / 1_000_000) * 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
    id(text, mixed.to_be_bytes());
}

/// What is at a path below `/proc/sys`: the entries that begin with it, from the first on.
fn below(path: &str) -> impl Iterator<Item = (usize, &'static str)> {
    ENTRIES
        .iter()
        .enumerate()
        .filter_map(move |(index, (name, _))| {
            let rest = name.strip_prefix(path)?;
            let rest = if path.is_empty() {
                rest
            } else {
                rest.strip_prefix('/')?
            };
            Some((index, rest))
        })
}

/// A name in `/proc/sys`: how much of which entry's path it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sys {
    entry: usize,
    /// Bytes of the entry's path; 0: `/proc/sys` itself.
    len: usize,
}

impl Sys {
    /// `/proc/sys`.
    pub(super) const ROOT: Self = Self { entry: 0, len: 0 };

    fn path(self) -> &'static str {
        &ENTRIES[self.entry].0[..self.len]
    }

    /// Whether it is a directory.
    pub(super) fn is_directory(self) -> bool {
        self.len < ENTRIES[self.entry].0.len()
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        let path = self.path();
        match path.rsplit('/').next() {
            Some(name) if !path.is_empty() => name,
            _ => "sys",
        }
    }

    /// The directory that it is in, below `/proc/sys`.
    pub(super) fn parent(self) -> Option<Self> {
        let path = self.path();
        let len = match path.rfind('/') {
            _ if path.is_empty() => return None,
            Some(at) => at,
            None => 0,
        };
        let (entry, _) = below(&path[..len]).next()?;
        Some(Self { entry, len })
    }

    /// A number of its own.
    pub(super) fn number(self) -> u64 {
        (self.entry as u64) << 8 | self.len as u64
    }

    /// What this directory has from an entry on: the entry after it, and what it is.
    pub(super) fn next(self, from: usize) -> Option<(usize, Self)> {
        let own = self.path();
        let start = if own.is_empty() { 0 } else { own.len() + 1 };
        let (entry, rest) = below(own).find(|(index, _)| *index >= from)?;
        let first = rest.split('/').next().unwrap_or(rest);
        let child = Self {
            entry,
            len: start + first.len(),
        };
        let same = |index: &usize| {
            let path = ENTRIES.get(*index).map_or("", |entry| entry.0);
            path.strip_prefix(child.path())
                .is_some_and(|rest| rest.starts_with('/'))
        };
        let after = (entry + 1..=ENTRIES.len()).find(|index| !same(index))?;
        Some((after, child))
    }

    /// What this directory has by this name.
    pub(super) fn child(self, name: &[u8]) -> Option<Self> {
        let mut from = 0;
        while let Some((after, child)) = self.next(from) {
            if child.name().as_bytes() == name {
                return Some(child);
            }
            from = after;
        }
        None
    }

    /// Its rights.
    pub(super) fn rights(self) -> u32 {
        if FIXED.contains(&self.path()) {
            0o444
        } else {
            0o644
        }
    }

    /// A program has written this. EINVAL when that is not the value that it has.
    pub(super) fn set(self, bytes: &[u8]) -> Result<(), Errno> {
        let mut text = Text::new();
        self.write(&mut text);
        let same = text.finish()?.trim_ascii() == bytes.trim_ascii();
        if same { Ok(()) } else { Err(Errno::EINVAL) }
    }

    /// Writes the value.
    pub(super) fn write(self, text: &mut Text) {
        ENTRIES[self.entry].1(text);
    }
}
