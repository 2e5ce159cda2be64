//! What is asked of a home.

use super::wire::{wire_enum, wire_struct};
use crate::credentials::Identity;
use crate::stat::Time;
use alloc::vec::Vec;
use fallible::{NoMemory, to_vec};

/// The file number that stands for `/tmp` at its home.
pub const TMP: u64 = 0;

/// The file number that stands for descriptor `fd` (0 to 2) of the machine's first program at the console's home: opening it gives
/// an open file.
pub const fn console(fd: usize) -> u64 {
    1 + fd as u64
}

/// The file number that stands for a node of the boot archive, as the root has it now, at the root's home.
pub const fn archive(node: u32) -> u64 {
    1 << 62 | node as u64
}

/// The node of the boot archive that a file number stands for.
pub const fn archive_node(number: u64) -> Option<u32> {
    if number >> 32 == archive(0) >> 32 {
        Some(number as u32)
    } else {
        None
    }
}

/// The file number that stands for `/dev/tty` at the console's home: opening it gives an open file.
pub const TERMINAL: u64 = 4;

/// The file number that stands for `/dev/console` at its home: opening it gives an open file.
pub const CONSOLE: u64 = 6;

/// The file number that stands for the processes of a torus, as `/proc` lists them.
pub const PROCESSES: u64 = 5;

/// The file number that stands for `/proc/PID` where that process is.
pub const fn process(pid: i32) -> u64 {
    1 << 61 | pid as u32 as u64
}

/// The process that a file number stands for.
pub const fn process_of(number: u64) -> Option<i32> {
    if number >> 32 == process(0) >> 32 {
        Some(number as i32)
    } else {
        None
    }
}

wire_struct! {
    /// The process that asks.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Who {
        /// As whom it uses files.
        pub identity: Identity,
        /// No file grows beyond this by its writes (RLIMIT_FSIZE), in bytes.
        pub file_limit: u64,
        /// Its process group.
        pub group: i32,
        /// The session whose controlling terminal it uses; 0 when it has given that up.
        pub session: i32,
        /// Whether it leads that session.
        pub leads: bool,
        /// Whether it ignores or blocks SIGTTIN.
        pub deaf_to_input: bool,
        /// Whether it ignores or blocks SIGTTOU.
        pub deaf_to_output: bool,
    }
}

wire_struct! {
    /// A path from a directory of the home.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Place {
        /// The file number of the directory.
        pub base: u64,
        /// The path; empty: what `base` itself names.
        pub rest: Vec<u8>,
        /// Symbolic links followed so far.
        pub links: u32,
        /// Whether a symbolic link in the last place is followed.
        pub follow: bool,
    }
}

impl Place {
    /// A copy.
    ///
    /// # Errors
    /// [`NoMemory`].
    pub fn try_clone(&self) -> Result<Self, NoMemory> {
        let rest = to_vec(&self.rest)?;
        Ok(Self { rest, ..*self })
    }
}

wire_enum! {
    /// Whose a lock is.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum LockOwner {
        /// A process's record, by fcntl(2) with F_SETLK and kin.
        1 Process,
        /// An open file's record, by fcntl(2) with F_OFD_SETLK and kin.
        2 OpenFile,
        /// An open file's lock of the whole file, by flock(2).
        3 Whole,
    }
}

wire_enum! {
    /// What is to be done about a lock.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum LockAction {
        /// Telling what is in its way.
        1 Look,
        /// Setting it or letting it go, now or not at all.
        2 Try,
        /// The same, when nothing is in its way any more.
        3 Wait,
    }
}

wire_struct! {
    /// A lock as fcntl(2) and flock(2) take it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct LockWish {
        /// Whose it is.
        pub owner: LockOwner,
        /// What is to be done.
        pub action: LockAction,
        /// The process that asks.
        pub pid: i32,
        /// F_RDLCK, F_WRLCK or F_UNLCK, as the program gave it.
        pub kind: u32,
        /// From where the range is counted, as lseek(2) has it.
        pub whence: u32,
        /// Where it begins.
        pub start: i64,
        /// Its length; 0: however long the file becomes.
        pub len: i64,
    }
}

wire_enum! {
    /// What a request is about.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum Subject {
        /// An open file.
        1 File {
            /// Its number.
            number: u64,
        },
        /// What a path leads to.
        2 Path {
            /// The path.
            place: Place,
        },
    }
}

wire_enum! {
    /// What is asked.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum Ask {
        /// Something about one file or name.
        1 About {
            /// What it is about.
            subject: Subject,
            /// What is asked.
            request: Request,
        },
        /// rename(2).
        2 Rename {
            /// The name that goes.
            from: Place,
            /// The name that comes.
            to: Place,
            /// Whether a file of that name stays (RENAME_NOREPLACE).
            keep: bool,
        },
        /// link(2).
        3 Link {
            /// The file.
            from: Place,
            /// Its new name.
            to: Place,
        },
        /// Which of these files are ready.
        4 Poll {
            /// Files, and the events of poll(2) that are wanted.
            files: Vec<(u64, u16)>,
            /// Whether to wait until one is.
            wait: bool,
        },
    }
}

wire_enum! {
    /// What is asked about a file or a name. The bytes of reads, writes and listings lie behind the request.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum Request {
        /// stat(2).
        1 Stat,
        /// statfs(2).
        2 StatFs,
        /// access(2).
        3 Access {
            /// R_OK, W_OK, X_OK.
            mode: u32,
            /// Whether it is asked for the real user, as access(2) does.
            real: bool,
        },
        /// chmod(2).
        4 SetMode {
            /// Permission bits.
            mode: u32,
        },
        /// chown(2).
        5 SetOwner {
            /// The owner, if it changes.
            uid: Option<u32>,
            /// The group, if it changes.
            gid: Option<u32>,
        },
        /// utimensat(2).
        6 SetTimes {
            /// The time of the last read, if it changes.
            atime: Option<Time>,
            /// The time of the last change, if it changes.
            mtime: Option<Time>,
            /// Whether both are the present, which is less of a right.
            to_now: bool,
        },
        /// truncate(2).
        7 Truncate {
            /// The new length.
            len: u64,
        },
        /// readlink(2).
        8 ReadLink,
        /// getcwd(2).
        9 Path,
        /// open(2).
        10 Open {
            /// Its flags.
            flags: u32,
            /// Permission bits of a new file, the umask applied.
            mode: u32,
        },
        /// Whether there is such a name.
        11 Look,
        /// chdir(2): an open file that stands for a directory in which names may be looked for.
        12 Enter,
        /// execve(2): an open file of a program that may be executed, if only that.
        13 Execute,
        /// mkdir(2).
        20 MakeDirectory {
            /// Permission bits, the umask applied.
            mode: u32,
        },
        /// mknod(2) of a regular file.
        21 MakeFile {
            /// Permission bits, the umask applied.
            mode: u32,
        },
        /// symlink(2).
        22 MakeLink {
            /// What the link says.
            text: Vec<u8>,
        },
        /// unlink(2).
        23 RemoveFile,
        /// rmdir(2).
        24 RemoveDirectory,
        /// lseek(2).
        40 Seek {
            /// How far.
            offset: i64,
            /// From where.
            whence: u32,
        },
        /// fcntl(2), F_GETFL.
        41 Flags,
        /// fcntl(2), F_SETFL.
        42 SetFlags {
            /// The flags.
            flags: u32,
        },
        /// fsync(2).
        43 Sync,
        /// fcntl(2), F_GETPIPE_SZ and F_SETPIPE_SZ.
        44 PipeSize {
            /// The size that it is given.
            bytes: Option<u64>,
        },
        /// ioctl(2).
        45 Control {
            /// The request.
            request: u32,
            /// The third argument, as it is.
            argument: u64,
            /// The bytes at it that the request takes.
            input: Vec<u8>,
        },
        /// What `/proc/PID/fd` shows.
        46 Name,
        /// fcntl(2), F_SETLK and kin; flock(2).
        47 Lock {
            /// The lock.
            wish: LockWish,
        },
        /// mmap(2), shared: the answer is an object.
        48 Map,
        /// getdents64(2).
        50 List {
            /// Bytes that it may fill.
            len: u32,
            /// The position, if not the file's own.
            position: Option<u64>,
        },
        /// read(2).
        51 Read {
            /// Bytes that it may fill.
            len: u32,
            /// The position, if not the file's own.
            position: Option<u64>,
        },
        /// write(2).
        52 Write {
            /// Bytes to write.
            len: u32,
            /// Bytes of the whole call.
            total: u64,
            /// The position, if not the file's own.
            position: Option<u64>,
        },
    }
}
