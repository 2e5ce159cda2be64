//! Disks that a machine swaps to: one for each torus, which the kernel finds as `vda`, `vdb` and so on.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::machine::MIB;

/// The least that a swap disk may have, in bytes.
const LEAST: u64 = MIB;

/// What a swap disk is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SwapDisk {
    /// So many bytes, all zero, that take room on the host as they are written and are gone with the machine.
    Temporary(u64),
    /// A raw disk image or block device of the host: blank, or prepared by mkswap.
    File(PathBuf),
    /// A temporary disk that fails as a configuration file for QEMU's `blkdebug` driver says.
    Failing(u64, PathBuf),
}

/// The disks that `--swap` asks for: a size for all tori together, or files for one torus after the other.
///
/// # Errors
/// What is asked for makes no sense.
pub fn disks(values: &[OsString], tori: u32) -> Result<Vec<SwapDisk>> {
    let size = |value: &OsString| {
        value
            .to_str()
            .and_then(|text| crate::cli::values::size(text).ok())
    };
    if let [value] = values
        && let Some(bytes) = size(value)
    {
        let each = (bytes / u64::from(tori)) & !0xfff;
        if each < LEAST {
            bail!(
                "--swap {}: each of {tori} tori needs at least 1M",
                value.display()
            );
        }
        return Ok(vec![SwapDisk::Temporary(each); tori as usize]);
    }
    if values.len() > tori as usize {
        bail!("--swap is given {} times, for {tori} tori", values.len());
    }
    let file = |value: &OsString| {
        let path = PathBuf::from(value);
        let metadata = path.metadata();
        if metadata
            .as_ref()
            .is_ok_and(|it| it.is_file() && it.len() < LEAST)
        {
            bail!("--swap {}: a swap disk needs at least 1M", value.display());
        } else if metadata.is_ok() {
            Ok(SwapDisk::File(path))
        } else if size(value).is_some() {
            bail!(
                "--swap {}: a size is for all tori, and given once",
                value.display()
            );
        } else {
            bail!(
                "--swap {}: neither a size, as 256M, nor a file",
                value.display()
            );
        }
    };
    values.iter().map(file).collect()
}

/// How the kernel's command line names so many disks.
#[must_use]
pub fn word(disks: usize) -> String {
    let name = |n: usize| {
        let letter = |n: usize| char::from(b'a' + (n % 26) as u8);
        match n.checked_sub(26) {
            None => format!("vd{}", letter(n)),
            Some(n) => format!("vd{}{}", letter(n / 26), letter(n)),
        }
    };
    let names: Vec<String> = (0..disks).map(name).collect();
    format!("swap={}", names.join(","))
}

impl SwapDisk {
    /// Opens or makes the disk's file; it has to stay open until QEMU has it.
    ///
    /// # Errors
    /// It cannot be opened for reading and writing, or made.
    pub fn open(&self) -> Result<File> {
        match self {
            SwapDisk::Temporary(bytes) | SwapDisk::Failing(bytes, _) => {
                let file = tempfile::tempfile().context("no temporary file for the swap disk")?;
                file.set_len(*bytes).context("making the swap disk")?;
                Ok(file)
            }
            SwapDisk::File(path) => OpenOptions::new()
                .read(true)
                .write(true)
                .open(path)
                .with_context(|| format!("the swap disk {}", path.display())),
        }
    }

    /// QEMU's arguments for disk `number`, whose file is open.
    #[must_use]
    pub fn arguments(&self, number: usize, file: &File) -> [String; 4] {
        let fd = format!("/proc/self/fd/{}", file.as_raw_fd());
        let file = match self {
            SwapDisk::Failing(_, rules) => format!("blkdebug:{}:{fd}", rules.display()),
            _ => fd,
        };
        [
            "-drive".to_owned(),
            format!("if=none,id=swap{number},format=raw,cache=unsafe,file={file}"),
            "-device".to_owned(),
            format!("virtio-blk-pci,drive=swap{number}"),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(values: &[&str], tori: u32) -> Result<Vec<SwapDisk>> {
        let values: Vec<OsString> = values.iter().map(OsString::from).collect();
        disks(&values, tori)
    }

    #[test]
    fn a_size_is_divided_and_files_are_taken_in_order() {
        let half = SwapDisk::Temporary(32 * MIB);
        assert_eq!(asked(&["64M"], 2).unwrap(), [half.clone(), half]);
        let file = |path: &str| SwapDisk::File(PathBuf::from(path));
        let files = ["/dev/null", "/dev/zero"];
        assert_eq!(asked(&files, 3).unwrap(), files.map(file));
        assert_eq!(asked(&[], 2).unwrap(), []);
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        for (values, tori, said) in [
            (&["2M"][..], 3, "at least 1M"),
            (&["/none/such"], 1, "neither a size"),
            (&["64M", "64M"], 2, "given once"),
            (&["/dev/null", "/dev/null"], 1, "2 times, for 1 tori"),
        ] {
            let error = asked(values, tori).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn disks_are_named_as_on_linux() {
        assert_eq!(word(3), "swap=vda,vdb,vdc");
        assert!(word(28).ends_with(",vdz,vdaa,vdab"));
    }
}
