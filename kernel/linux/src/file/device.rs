//! The devices of `/dev`.

mod file;

use super::mount::Mount;
use alloc::vec::Vec;
use braid_files::archive::{S_IFDIR, S_IFLNK};
use braid_files::stat::{S_IFCHR, Stat};
use fallible::{NoMemory, collect};

/// A name in `/dev`: a device, or a link to where the real thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    Null,
    Zero,
    Full,
    Random,
    Urandom,
    Tty,
    Console,
    /// A symbolic link.
    Link(&'static [u8]),
}

/// Names, devices, numbers.
const DEVICES: [(&[u8], Device, (u32, u32)); 12] = [
    (b"console", Device::Console, (5, 1)),
    (b"fd", Device::Link(b"/proc/self/fd"), (0, 0)),
    (b"full", Device::Full, (1, 7)),
    (b"null", Device::Null, (1, 3)),
    (b"random", Device::Random, (1, 8)),
    // Whose names are shared by all programs, as those of `/tmp` are.
    (b"shm", Device::Link(b"/tmp"), (0, 0)),
    (b"stderr", Device::Link(b"/proc/self/fd/2"), (0, 0)),
    (b"stdin", Device::Link(b"/proc/self/fd/0"), (0, 0)),
    (b"stdout", Device::Link(b"/proc/self/fd/1"), (0, 0)),
    (b"tty", Device::Tty, (5, 0)),
    (b"urandom", Device::Urandom, (1, 9)),
    (b"zero", Device::Zero, (1, 5)),
];

/// The device of this name.
pub fn find(name: &[u8]) -> Option<Device> {
    DEVICES
        .iter()
        .find(|(n, ..)| *n == name)
        .map(|(_, device, _)| *device)
}

/// The entry of `/dev` at this position.
pub fn list(position: u64) -> Option<(&'static [u8], Device)> {
    DEVICES
        .get(usize::try_from(position).ok()?)
        .map(|(name, device, _)| (*name, *device))
}

/// Attributes of `/dev` itself.
pub fn directory_stat() -> Stat {
    Stat {
        device: Mount::Dev as u32,
        inode: 1,
        mode: S_IFDIR | 0o755,
        links: 2,
        ..Stat::default()
    }
}

impl Device {
    /// The target, if it is a symbolic link.
    pub fn link(&self) -> Option<&'static [u8]> {
        if let Self::Link(target) = self {
            Some(target)
        } else {
            None
        }
    }

    /// Its attributes.
    pub fn stat(&self) -> Stat {
        let index = DEVICES
            .iter()
            .position(|(_, device, _)| device == self)
            .unwrap_or(0);
        let link = self.link();
        Stat {
            device: Mount::Dev as u32,
            inode: index as u64 + 2,
            mode: match (link, self) {
                (Some(_), _) => S_IFLNK | 0o777,
                (None, Self::Console) => S_IFCHR | 0o600,
                (None, _) => S_IFCHR | 0o666,
            },
            links: 1,
            special: DEVICES[index].2,
            size: link.map_or(0, |target| target.len() as u64),
            ..Stat::default()
        }
    }
}

impl Device {
    /// Its position in `/dev`.
    fn position(&self) -> Option<u32> {
        let index = DEVICES.iter().position(|(_, device, _)| device == self)?;
        u32::try_from(index).ok()
    }

    /// Its absolute path.
    pub fn path(&self) -> Result<Vec<u8>, NoMemory> {
        let name = DEVICES
            .iter()
            .find(|(_, device, _)| device == self)
            .map_or(&b"?"[..], |(name, ..)| name);
        collect(b"/dev/".iter().chain(name).copied())
    }
}
