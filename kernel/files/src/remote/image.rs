//! What a process has of files, for its way to another torus.

use super::answer::Description;
use super::wire::{wire_enum, wire_struct};
use alloc::vec::Vec;

wire_enum! {
    /// A place that every torus has.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Spot {
        /// A node of the boot archive.
        1 Archive {
            /// Its number.
            node: u32,
        },
        /// `/dev`.
        2 Devices,
        /// A device in `/dev`.
        3 Device {
            /// Its position there.
            index: u32,
        },
    }
}

wire_enum! {
    /// A file that a process has.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Item {
        /// Nobody else has it, and every torus has what it shows: it is opened anew.
        1 Own {
            /// What it shows.
            spot: Spot,
            /// How it was opened.
            flags: u32,
            /// Its position.
            offset: u64,
        },
        /// It stays at its home.
        2 Remote {
            /// The number of the home.
            home: u32,
            /// The file's number there.
            number: u64,
            /// What it is.
            description: Description,
        },
    }
}

wire_struct! {
    /// A descriptor.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Descriptor {
        /// Its number.
        pub fd: i32,
        /// The position of its file in the list.
        pub file: u32,
        /// Whether execve closes it.
        pub close_on_exec: bool,
    }
}

wire_struct! {
    /// All that a process has of files.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Image {
        /// Its open files, each once.
        pub files: Vec<Item>,
        /// Its descriptors.
        pub descriptors: Vec<Descriptor>,
        /// Its working directory.
        pub directory: Item,
        /// The mode bits that new files do not get.
        pub umask: u32,
        /// The path of its executable, and the file.
        pub executable: Option<(Vec<u8>, Item)>,
    }
}
