//! The guest's files: a tree put together from files and directories of the host.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::archive::{self, Archive, Data, Entry};

/// Symbolic links followed within one path before giving up, as in Linux.
const MOST_LINKS: usize = 40;

/// Why a file cannot be put into the tree.
#[derive(Debug, Error)]
pub enum TreeError {
    /// The host refuses to read it.
    #[error("{}: {error}", path.display())]
    Host {
        /// File of the host.
        path: PathBuf,
        /// Its error.
        error: std::io::Error,
    },
    /// The guest path is empty, is the root, or climbs out of it.
    #[error("`{0}` is not a path of a file in the machine")]
    Path(String),
    /// A component of the path is not a directory.
    #[error("`{0}` is not a directory in the machine")]
    NotADirectory(String),
    /// Links that never end.
    #[error("`{0}` has too many levels of symbolic links in the machine")]
    Links(String),
}

/// The tree: entries by path without leading slash.
#[derive(Debug)]
pub struct Tree {
    entries: BTreeMap<Vec<u8>, Entry>,
}

impl Default for Tree {
    /// A root with the directories that programs expect.
    fn default() -> Tree {
        let mut tree = Tree {
            entries: BTreeMap::new(),
        };
        let directories = [
            (".", 0o755),
            ("bin", 0o755),
            ("dev", 0o755),
            ("proc", 0o555),
            ("tmp", 0o1777),
        ];
        for (path, permissions) in directories {
            tree.put(
                path.as_bytes().to_vec(),
                archive::MODE_DIRECTORY | permissions,
                0,
                None,
            );
        }
        tree
    }
}

impl Tree {
    /// Adds everything below the host's `directory`: files, directories (empty ones too), symbolic links and device
    /// files, with their permissions and times. Sockets are left out.
    ///
    /// # Errors
    /// The host refuses to read something.
    pub fn add_directory(&mut self, directory: &Path) -> Result<(), TreeError> {
        let host = |error| TreeError::Host {
            path: directory.to_path_buf(),
            error,
        };
        let metadata = fs::metadata(directory).map_err(host)?;
        let read = fs::read_dir(directory).map_err(host)?;
        self.put(b".".to_vec(), metadata.mode(), time(&metadata), None);
        self.add_children(read, directory, b"")
    }

    fn add_children(
        &mut self,
        read: fs::ReadDir,
        directory: &Path,
        guest: &[u8],
    ) -> Result<(), TreeError> {
        for child in read {
            let child = child.map_err(|error| TreeError::Host {
                path: directory.to_path_buf(),
                error,
            })?;
            let path = child.path();
            let host = |error| TreeError::Host {
                path: path.clone(),
                error,
            };
            let metadata = fs::symlink_metadata(&path).map_err(host)?;
            let mut name = guest.to_vec();
            if !name.is_empty() {
                name.push(b'/');
            }
            name.extend_from_slice(child.file_name().as_bytes());
            let kind = metadata.file_type();
            if kind.is_socket() {
                continue;
            }
            let data = if kind.is_symlink() {
                let target = fs::read_link(&path).map_err(host)?;
                Some(Data::Bytes(target.into_os_string().into_vec()))
            } else if kind.is_file() {
                Some(Data::HostFile(path.clone(), metadata.len()))
            } else {
                None
            };
            self.put(name.clone(), metadata.mode(), time(&metadata), data);
            if let Some(entry) = self.entries.get_mut(&name) {
                entry.device = device_numbers(metadata.rdev());
            }
            if kind.is_dir() {
                let read = fs::read_dir(&path).map_err(host)?;
                self.add_children(read, &path, &name)?;
            }
        }
        Ok(())
    }

    /// Adds the host's file `host` (links followed) as `guest`, with the directories above it.
    ///
    /// # Errors
    /// It is not a readable file, or the guest path does not name a file.
    pub fn add_file(&mut self, host: &Path, guest: &[u8]) -> Result<(), TreeError> {
        let fail = |error| TreeError::Host {
            path: host.to_path_buf(),
            error,
        };
        let metadata = fs::metadata(host).map_err(fail)?;
        if !metadata.is_file() {
            return Err(fail(std::io::Error::other("is not a file")));
        }
        fs::File::open(host).map_err(fail)?;
        let path = self.resolve(guest)?;
        let data = Data::HostFile(host.to_path_buf(), metadata.len());
        self.put(path, metadata.mode(), time(&metadata), Some(data));
        Ok(())
    }

    /// Adds a character device as `guest`, that everybody may use.
    ///
    /// # Errors
    /// The guest path does not name a file.
    pub fn add_device(&mut self, guest: &[u8], numbers: (u32, u32)) -> Result<(), TreeError> {
        let path = self.resolve(guest)?;
        self.put(path.clone(), archive::MODE_CHARACTER | 0o666, 0, None);
        if let Some(entry) = self.entries.get_mut(&path) {
            entry.device = numbers;
        }
        Ok(())
    }

    /// Follows the links of the tree above the last component of `guest`, and makes the directories that are missing.
    fn resolve(&mut self, guest: &[u8]) -> Result<Vec<u8>, TreeError> {
        let shown = || String::from_utf8_lossy(guest).into_owned();
        let mut rest: Vec<Vec<u8>> = components(guest);
        let mut done: Vec<Vec<u8>> = Vec::new();
        let mut links = 0;
        while let Some(component) = rest.pop() {
            if component == b".." {
                done.pop();
                continue;
            }
            done.push(component);
            let path = done.join(&b'/');
            if rest.is_empty() {
                let is_directory = self.entries.get(&path).is_some_and(is_directory);
                return if is_directory {
                    Err(TreeError::Path(shown()))
                } else {
                    Ok(path)
                };
            }
            match self.entries.get(&path) {
                None => self.put(path, archive::MODE_DIRECTORY | 0o755, 0, None),
                Some(entry) if is_directory(entry) => {}
                Some(Entry {
                    mode,
                    data: Data::Bytes(target),
                    ..
                }) if mode & 0o170_000 == archive::MODE_SYMLINK => {
                    links += 1;
                    if links > MOST_LINKS {
                        return Err(TreeError::Links(shown()));
                    }
                    done.pop();
                    if target.starts_with(b"/") {
                        done.clear();
                    }
                    rest.extend(components(target));
                }
                Some(_) => return Err(TreeError::NotADirectory(shown())),
            }
        }
        Err(TreeError::Path(shown()))
    }

    fn put(&mut self, path: Vec<u8>, mode: u32, modified: u32, data: Option<Data>) {
        let data = data.unwrap_or(Data::Bytes(Vec::new()));
        let entry = Entry {
            path: path.clone(),
            mode,
            modified,
            device: (0, 0),
            data,
        };
        self.entries.insert(path, entry);
    }

    /// The archive of this tree, with the page roots of its files; directories come before what they hold.
    ///
    /// # Errors
    /// As [`Archive::new`].
    pub fn archive(self) -> std::io::Result<Archive> {
        Archive::rooted(self.entries.into_values().collect())
    }
}

fn is_directory(entry: &Entry) -> bool {
    entry.mode & 0o170_000 == archive::MODE_DIRECTORY
}

/// Components of a path, last first, without empty ones and `.`.
fn components(path: &[u8]) -> Vec<Vec<u8>> {
    path.split(|&b| b == b'/')
        .filter(|part| !part.is_empty() && *part != b".")
        .map(<[u8]>::to_vec)
        .rev()
        .collect()
}

fn time(metadata: &Metadata) -> u32 {
    u32::try_from(metadata.mtime()).unwrap_or(0)
}

/// Major and minor number out of Linux' `dev_t`.
fn device_numbers(device: u64) -> (u32, u32) {
    let major = (device >> 8 & 0xfff) | (device >> 32 & !0xfff);
    let minor = (device & 0xff) | (device >> 12 & !0xff);
    (major as u32, minor as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(tree: &Tree) -> Vec<String> {
        tree.entries
            .keys()
            .map(|path| String::from_utf8_lossy(path).into_owned())
            .collect()
    }

    #[test]
    fn directories_above_a_file_are_made() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut tree = Tree::default();
        tree.add_file(file.path(), b"/data/deep/./x").unwrap();
        assert!(paths(&tree).contains(&"data/deep/x".to_owned()));
        assert!(paths(&tree).contains(&"data".to_owned()));
        for bad in [&b""[..], b"/", b"/bin", b"/data/deep/x/y", b".."] {
            assert!(tree.add_file(file.path(), bad).is_err(), "{bad:?}");
        }
        assert!(tree.add_file(Path::new("/no/such"), b"/x").is_err());
        assert!(tree.add_file(Path::new("/"), b"/x").is_err());
    }

    #[test]
    fn a_directory_keeps_links_and_empty_directories() {
        let host = tempfile::tempdir().unwrap();
        fs::create_dir_all(host.path().join("usr/bin")).unwrap();
        fs::create_dir(host.path().join("none")).unwrap();
        fs::write(host.path().join("usr/a"), "text").unwrap();
        std::os::unix::fs::symlink("usr/bin", host.path().join("bin")).unwrap();
        std::os::unix::fs::symlink("loop", host.path().join("loop")).unwrap();
        let mut tree = Tree::default();
        tree.add_directory(host.path()).unwrap();
        tree.add_file(&host.path().join("usr/a"), b"/bin/program")
            .unwrap();
        let found = paths(&tree);
        for path in ["none", "usr/a", "bin", "usr/bin/program"] {
            assert!(found.contains(&path.to_owned()), "{path} in {found:?}");
        }
        let loops = tree.add_file(&host.path().join("usr/a"), b"/loop/x");
        assert!(matches!(loops, Err(TreeError::Links(_))));
    }
}
