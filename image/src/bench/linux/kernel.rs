//! A Linux kernel as a file.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a file is no kernel to boot.
#[derive(Debug, Error)]
pub enum KernelError {
    /// It cannot be read.
    #[error("{}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The host's error.
        error: io::Error,
    },
    /// It is something else.
    #[error("{} is not a bzImage, the form in which distributions have Linux in /boot", .0.display())]
    NotBzImage(PathBuf),
}

/// A kernel that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// The file.
    pub path: PathBuf,
}

/// The boot sector's mark, at 0x1fe, and the header's, at 0x202 (Linux, `Documentation/arch/x86/boot.rst`).
const BOOT_FLAG: (usize, [u8; 2]) = (0x1fe, [0x55, 0xaa]);
const HEADER: (usize, [u8; 4]) = (0x202, *b"HdrS");
/// Bytes that hold both.
const HEAD: usize = 0x206;

impl Kernel {
    /// Looks whether `path` is a bzImage.
    ///
    /// # Errors
    /// [`KernelError`].
    pub fn check(path: &Path) -> Result<Kernel, KernelError> {
        let mut head = Vec::with_capacity(HEAD);
        let read = File::open(path).and_then(|file| file.take(HEAD as u64).read_to_end(&mut head));
        read.map_err(|error| KernelError::Unreadable {
            path: path.to_path_buf(),
            error,
        })?;
        if is_bzimage(&head) {
            Ok(Kernel {
                path: path.to_path_buf(),
            })
        } else {
            Err(KernelError::NotBzImage(path.to_path_buf()))
        }
    }
}

fn is_bzimage(head: &[u8]) -> bool {
    let has = |at: usize, mark: &[u8]| head.get(at..).is_some_and(|rest| rest.starts_with(mark));
    has(BOOT_FLAG.0, &BOOT_FLAG.1) && has(HEADER.0, &HEADER.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bzimage_is_a_kernel() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("vmlinuz");
        let missing = Kernel::check(&path).unwrap_err().to_string();
        assert!(missing.contains("vmlinuz: No such file"), "{missing}");
        let mut image = vec![0; 0x1000];
        std::fs::write(&path, &image).unwrap();
        let wrong = Kernel::check(&path).unwrap_err().to_string();
        assert!(wrong.contains("is not a bzImage"), "{wrong}");
        image[0x1fe..0x200].copy_from_slice(&BOOT_FLAG.1);
        image[0x202..0x206].copy_from_slice(&HEADER.1);
        std::fs::write(&path, &image).unwrap();
        assert_eq!(Kernel::check(&path).unwrap().path, path);
        std::fs::write(&path, b"short").unwrap();
        assert!(Kernel::check(&path).is_err());
    }
}
