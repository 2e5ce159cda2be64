//! The layouts in which Linux x86-64 shows attributes and directory entries.

/// A character device.
pub const S_IFCHR: u32 = 0o020_000;
/// A pipe.
pub const S_IFIFO: u32 = 0o010_000;

/// Seconds and nanoseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Time {
    /// Whole seconds.
    pub seconds: u64,
    /// Nanoseconds, below 10^9.
    pub nanos: u32,
}

/// Attributes of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stat {
    /// The file system it is on (minor number; the major number is 0).
    pub device: u32,
    /// Inode number.
    pub inode: u64,
    /// Type and permission bits.
    pub mode: u32,
    /// Names of it.
    pub links: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Device number (major, minor) of a device node.
    pub special: (u32, u32),
    /// Length in bytes.
    pub size: u64,
    /// Bytes of memory it takes.
    pub stored: u64,
    /// Last read.
    pub atime: Time,
    /// Last change of content.
    pub mtime: Time,
    /// Last change of attributes.
    pub ctime: Time,
}

/// Preferred bytes per read or write.
const BLOCK: u32 = 4096;

impl Stat {
    /// `struct stat` (stat(2)).
    pub fn to_stat(&self) -> [u8; 144] {
        let mut out = Out::<144>::new();
        out.u64(u64::from(self.device))
            .u64(self.inode)
            .u64(u64::from(self.links));
        out.u32(self.mode).u32(self.uid).u32(self.gid).u32(0);
        out.u64(device_number(self.special))
            .u64(self.size)
            .u64(u64::from(BLOCK))
            .u64(self.stored.div_ceil(512));
        for time in [self.atime, self.mtime, self.ctime] {
            out.u64(time.seconds).u64(u64::from(time.nanos));
        }
        out.bytes
    }

    /// `struct statx` (statx(2)) with the basic fields.
    pub fn to_statx(&self) -> [u8; 256] {
        const BASIC: u32 = 0x7ff;
        let mut out = Out::<256>::new();
        out.u32(BASIC).u32(BLOCK).u64(0);
        out.u32(self.links)
            .u32(self.uid)
            .u32(self.gid)
            .u32(self.mode & 0xffff);
        out.u64(self.inode)
            .u64(self.size)
            .u64(self.stored.div_ceil(512))
            .u64(0);
        let times = [self.atime, Time::default(), self.ctime, self.mtime];
        for time in times {
            out.u64(time.seconds).u32(time.nanos).u32(0);
        }
        out.u32(self.special.0)
            .u32(self.special.1)
            .u32(0)
            .u32(self.device);
        out.bytes
    }
}

/// The 64-bit form of a device number (makedev(3)).
pub fn device_number((major, minor): (u32, u32)) -> u64 {
    let (major, minor) = (u64::from(major), u64::from(minor));
    (minor & 0xff) | ((major & 0xfff) << 8) | ((minor & !0xff) << 12) | ((major & !0xfff) << 32)
}

/// The d_type of a directory entry with this mode.
pub fn entry_type(mode: u32) -> u8 {
    (mode >> 12 & 0xf) as u8
}

/// Writes a `struct linux_dirent64` (getdents64(2)) to the start of `to`; answers its length, or None when it does not fit.
/// `next` is the position after the entry.
pub fn write_entry(to: &mut [u8], inode: u64, next: u64, kind: u8, name: &[u8]) -> Option<usize> {
    const NAME: usize = 19;
    let len = (NAME + name.len() + 1).next_multiple_of(8);
    let to = to.get_mut(..len)?;
    to.fill(0);
    to[..8].copy_from_slice(&inode.to_le_bytes());
    to[8..16].copy_from_slice(&next.to_le_bytes());
    to[16..18].copy_from_slice(&(len as u16).to_le_bytes());
    to[18] = kind;
    to[NAME..NAME + name.len()].copy_from_slice(name);
    Some(len)
}

/// Writes numbers one after the other; what would not fit is left out.
struct Out<const N: usize> {
    bytes: [u8; N],
    at: usize,
}

impl<const N: usize> Out<N> {
    fn new() -> Self {
        Self {
            bytes: [0; N],
            at: 0,
        }
    }

    fn put(&mut self, part: &[u8]) -> &mut Self {
        if let Some(to) = self.bytes.get_mut(self.at..self.at + part.len()) {
            to.copy_from_slice(part);
        }
        self.at += part.len();
        self
    }

    fn u32(&mut self, value: u32) -> &mut Self {
        self.put(&value.to_le_bytes())
    }

    fn u64(&mut self, value: u64) -> &mut Self {
        self.put(&value.to_le_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_lie_where_linux_puts_them() {
        let stat = Stat {
            mode: 0o100_644,
            links: 3,
            size: 0x1234,
            inode: 42,
            stored: 513,
            ..Stat::default()
        };
        let bytes = stat.to_stat();
        assert_eq!(bytes[8], 42);
        assert_eq!(bytes[16], 3);
        assert_eq!(bytes[24..28], 0o100_644u32.to_le_bytes());
        assert_eq!(bytes[48..50], [0x34, 0x12]);
        assert_eq!(bytes[64], 2);
        let bytes = stat.to_statx();
        assert_eq!(bytes[28..30], 0o100_644u16.to_le_bytes());
        assert_eq!((bytes[32], bytes[40], bytes[48]), (42, 0x34, 2));
    }

    #[test]
    fn entries_are_aligned_and_bounded() {
        let mut buffer = [0xff; 64];
        assert_eq!(write_entry(&mut buffer, 1, 2, 8, b"name"), Some(24));
        assert_eq!(
            (buffer[16], buffer[18], &buffer[19..24]),
            (24, 8, &b"name\0"[..])
        );
        assert_eq!(write_entry(&mut buffer[..23], 1, 2, 8, b"name"), None);
        assert_eq!(entry_type(0o040_755), 4);
        assert_eq!(device_number((5, 1)), 0x501);
    }
}
