//! What a victim has to play with: descriptors and mappings of every kind, paths, memory with holes beside it.

use std::ffi::CString;
use std::ptr;

use libc as l;

use crate::random::Random;
use crate::raw;
use crate::table::{APPEND, BUILDER, COMMIT, OF_FILE, SNAPSHOT};

/// Bytes of the victim's buffer.
const BUFFER: usize = 16 * PAGE;
/// Bytes of the place where structures are put.
const SCRATCH: usize = 16 * PAGE;
/// Bytes of a page.
const PAGE: usize = 4096;
/// The most descriptors and addresses that a victim remembers.
const MOST: usize = 64;

const PATHS: [&str; 32] = [
    "/",
    "/tmp",
    "/tmp/a",
    "/tmp/b",
    "/tmp/d",
    "/tmp/d/x",
    "/tmp/d/../a",
    "/tmp/link",
    "/tmp/loop",
    "/bin/busybox",
    "/bin",
    "/proc/self/maps",
    "/proc/self/fd/5",
    "/proc/self/fd",
    "/proc/1/stat",
    "/proc/self/exe",
    "/proc/meminfo",
    "/proc/self/smaps",
    "/dev/null",
    "/dev/tty",
    "/dev/zero",
    "",
    "..",
    "a/../../../..",
    "/tmp/x/y/z",
    "/bin/true",
    "/dev/stdin",
    "/proc/self",
    "/etc/new",
    "/bin/sh",
    "/nope",
    ".",
];

/// A victim's belongings.
pub(crate) struct World {
    /// Where it gets its numbers.
    pub(crate) random: Random,
    descriptors: Vec<u64>,
    addresses: Vec<u64>,
    paths: Vec<CString>,
    buffer: u64,
    /// Where structures for calls are put, one after the other, round and round.
    scratch: u64,
    next: usize,
}

impl World {
    /// Makes everything. What cannot be had is missing.
    pub(crate) fn new(random: Random) -> Self {
        let mut world = Self {
            random,
            descriptors: Vec::with_capacity(MOST),
            addresses: Vec::with_capacity(MOST),
            paths: paths(),
            buffer: anonymous(BUFFER, l::MAP_PRIVATE),
            scratch: anonymous(SCRATCH, l::MAP_PRIVATE),
            next: 0,
        };
        for word in 0..512 {
            let value = world.random.edge();
            put(world.buffer + word * 8, value);
        }
        world.map_memory();
        world.open_files();
        world.make_objects();
        world
    }

    /// One of its descriptors.
    pub(crate) fn descriptor(&mut self) -> u64 {
        self.random.of(&self.descriptors)
    }

    /// Remembers a descriptor, if it is one.
    pub(crate) fn add_descriptor(&mut self, descriptor: i64) {
        let Ok(descriptor) = u64::try_from(descriptor) else {
            return;
        };
        if self.descriptors.len() < MOST {
            self.descriptors.push(descriptor);
        } else {
            let index = self.random.below(MOST as u64) as usize;
            self.descriptors[index] = descriptor;
        }
    }

    /// Remembers the address of a mapping, if it is one.
    pub(crate) fn add_address(&mut self, address: u64) {
        if address.cast_signed() < 0 && address.cast_signed() > -4096 {
            return;
        }
        if self.addresses.len() < MOST {
            self.addresses.push(address);
        } else {
            let index = 8 + self.random.below(MOST as u64 - 8) as usize;
            self.addresses[index] = address;
        }
    }

    /// An address of memory, mostly.
    pub(crate) fn pointer(&mut self) -> u64 {
        match self.random.below(6) {
            0 => self.random.edge(),
            1 => self.buffer + self.random.below(BUFFER as u64),
            _ => {
                let offset = if self.random.one_in(4) {
                    self.random.below(9000)
                } else {
                    0
                };
                self.random.of(&self.addresses).wrapping_add(offset)
            }
        }
    }

    /// The address of a page of a mapping, mostly.
    pub(crate) fn address(&mut self) -> u64 {
        if self.random.one_in(10) {
            return self.random.edge();
        }
        let mut address = self.random.of(&self.addresses);
        if !self.random.one_in(8) {
            address &= !(PAGE as u64 - 1);
        }
        address.wrapping_add(PAGE as u64 * self.random.below(20))
    }

    /// The address of a path, mostly.
    pub(crate) fn path(&mut self) -> u64 {
        match self.random.below(24) {
            0 => self.pointer(),
            _ => {
                let index = self.random.below(self.paths.len() as u64) as usize;
                self.paths[index].as_ptr() as u64
            }
        }
    }

    /// Puts words where a call can read them.
    pub(crate) fn place(&mut self, words: &[u64]) -> u64 {
        if self.next + words.len() * 8 > SCRATCH {
            self.next = 0;
        }
        let at = self.scratch + self.next as u64;
        for (index, word) in words.iter().enumerate() {
            put(at + index as u64 * 8, *word);
        }
        self.next += words.len() * 8;
        at
    }

    fn map_memory(&mut self) {
        let page = PAGE as u64;
        for index in 0..6 {
            self.add_address(self.buffer + page * index);
        }
        let before_hole = anonymous(3 * PAGE, l::MAP_PRIVATE);
        raw::call(
            l::SYS_munmap as u64,
            [before_hole + 2 * page, page, 0, 0, 0, 0],
        );
        let before_wall = anonymous(3 * PAGE, l::MAP_PRIVATE);
        raw::call(
            l::SYS_mprotect as u64,
            [before_wall + page, 2 * page, 0, 0, 0, 0],
        );
        let large = anonymous(4 << 20, l::MAP_PRIVATE);
        let huge = l::MADV_HUGEPAGE as u64;
        raw::call(l::SYS_madvise as u64, [large, 4 << 20, huge, 0, 0, 0]);
        let plain = anonymous(16 << 20, l::MAP_PRIVATE);
        let shared = anonymous(16 * PAGE, l::MAP_SHARED);
        raw::touch(shared + 5, true);
        let odd = [
            before_hole + 2 * page - 8,
            before_hole + page - 6,
            before_wall + page - 4,
            before_wall + page,
            shared,
            large,
            large + (2 << 20),
            plain,
            plain + (3 << 20),
            0x7fff_ffff_eff8,
            0xffff_8000_0000_0000,
            0xffff_ffff_8000_0000,
        ];
        odd.into_iter()
            .for_each(|address| self.add_address(address));
        if self.random.one_in(4) {
            self.add_address((&raw const *self) as u64);
            self.add_address((raw::call as *const () as u64) & !(page - 1));
        }
    }

    fn open_files(&mut self) {
        let read_write = l::O_RDWR as u64;
        for (path, flags) in [
            ("/dev/null", read_write),
            ("/dev/zero", read_write),
            ("/dev/urandom", 0),
            ("/dev/tty", read_write),
            ("/", l::O_DIRECTORY as u64),
            ("/tmp", l::O_DIRECTORY as u64),
            ("/proc", 0),
            ("/proc/self/maps", 0),
        ] {
            self.open(path, flags);
        }
        let create = read_write | l::O_CREAT as u64;
        let file = self.open("/tmp/a", create);
        raw::call(l::SYS_write as u64, [file, self.buffer, 5000, 0, 0, 0]);
        for flags in [l::MAP_SHARED, l::MAP_PRIVATE] {
            let mapped = map(file, 4 * PAGE, l::PROT_READ | l::PROT_WRITE, flags, 0);
            self.add_address(mapped);
            self.add_address(mapped.wrapping_add(2 * PAGE as u64));
        }
        self.open("/tmp/b", create | l::O_APPEND as u64);
        self.open("/tmp/a", l::O_PATH as u64);
        let names: [(i64, &str, &str); 3] = [
            (l::SYS_mkdir, "/tmp/d", ""),
            (l::SYS_symlink, "/tmp/d", "/tmp/link"),
            (l::SYS_symlink, "/tmp/loop", "/tmp/loop"),
        ];
        for (number, first, second) in names {
            let (first, second) = (text(first), text(second));
            let second = if number == l::SYS_mkdir {
                0o777
            } else {
                second.as_ptr() as u64
            };
            raw::call(number as u64, [first.as_ptr() as u64, second, 0, 0, 0, 0]);
        }
        self.open("/tmp/d", l::O_DIRECTORY as u64);
        for flags in [l::O_NONBLOCK as u64, 0] {
            let ends = self.place(&[0]);
            if raw::call(l::SYS_pipe2 as u64, [ends, flags, 0, 0, 0, 0]) == 0 {
                let ends = get(ends);
                self.add_descriptor((ends & 0xffff_ffff) as i64);
                self.add_descriptor((ends >> 32) as i64);
            }
        }
        let name = text("m");
        let seals = l::MFD_ALLOW_SEALING.into();
        let memory = raw::call(
            l::SYS_memfd_create as u64,
            [name.as_ptr() as u64, seals, 0, 0, 0, 0],
        );
        self.add_descriptor(memory);
    }

    /// Builders and objects, and programs of the archive.
    fn make_objects(&mut self) {
        let program = self.open("/bin/busybox", 0);
        self.add_address(map(program, 16 * PAGE, l::PROT_READ, l::MAP_PRIVATE, 0));
        let writable = l::PROT_READ | l::PROT_WRITE;
        self.add_address(map(
            program,
            16 * PAGE,
            writable,
            l::MAP_PRIVATE,
            PAGE as u64,
        ));
        let braid = |number: i64, arguments: [u64; 3]| {
            let [a, b, c] = arguments;
            raw::call(number as u64, [a, b, c, 0, 0, 0])
        };
        let unfinished = braid(BUILDER, [u64::MAX, 0, 0]);
        braid(APPEND, [unfinished as u64, self.buffer, 9000]);
        self.add_descriptor(unfinished);
        let builder = braid(BUILDER, [100_000, 0, 0]);
        braid(APPEND, [builder as u64, self.buffer, 20_000]);
        self.add_descriptor(braid(COMMIT, [builder as u64, 0, 0]));
        let snapshot = braid(SNAPSHOT, [self.buffer, 4 * PAGE as u64, 0]);
        self.add_descriptor(snapshot);
        self.add_descriptor(braid(OF_FILE, [program, 0, 0]));
        let mapped = map(snapshot as u64, 4 * PAGE, l::PROT_READ, l::MAP_SHARED, 0);
        self.add_address(mapped);
    }

    fn open(&mut self, path: &str, flags: u64) -> u64 {
        let path = text(path);
        let opened = raw::call(
            l::SYS_open as u64,
            [path.as_ptr() as u64, flags, 0o666, 0, 0, 0],
        );
        self.add_descriptor(opened);
        opened as u64
    }
}

fn text(text: &str) -> CString {
    CString::new(text).expect("no NUL in what is written here")
}

/// The known paths, and one that is too long.
fn paths() -> Vec<CString> {
    let mut paths: Vec<CString> = PATHS.into_iter().map(text).collect();
    paths.push(text(&"a".repeat(5000)));
    paths
}

/// Anonymous memory.
pub(crate) fn anonymous(bytes: usize, flags: i32) -> u64 {
    let writable = l::PROT_READ | l::PROT_WRITE;
    map(u64::MAX, bytes, writable, flags | l::MAP_ANONYMOUS, 0)
}

/// A mapping of a file; an error as its negated number.
fn map(file: u64, bytes: usize, rights: i32, flags: i32, offset: u64) -> u64 {
    let arguments = [0, bytes as u64, rights as u64, flags as u64, file, offset];
    raw::call(l::SYS_mmap as u64, arguments).cast_unsigned()
}

/// Writes a word of the victim's own memory, which an earlier call may have taken away.
fn put(address: u64, word: u64) {
    // SAFETY: F1, at worst the victim faults.
    unsafe { ptr::with_exposed_provenance_mut::<u64>(address as usize).write_unaligned(word) };
}

/// Reads a word of the victim's own memory.
fn get(address: u64) -> u64 {
    // SAFETY: F1.
    unsafe { ptr::with_exposed_provenance::<u64>(address as usize).read_unaligned() }
}
