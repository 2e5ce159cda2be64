//! What a machine is made of: cores, tori, memory, files, and the first program.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::fs::MemfdFlags;

use crate::archive::{Archive, Data, Entry, PAGE};
use crate::build::{Boot, Kernel};
use crate::menu;
use crate::swap::{self, SwapDisk};
use crate::tree::Tree;
use crate::words::Words;

/// One mebibyte, in bytes.
pub const MIB: u64 = 1 << 20;
/// Memory that a machine needs besides its boot volume: what the loader and the kernel keep, in bytes.
const KERNEL_MEMORY: u64 = 12 * MIB;
/// Memory for each torus on top: the kernel starts none with less, in bytes.
const TORUS_MEMORY: u64 = 8 * MIB;
/// Memory for each core on top: stacks, heap and frame caches, in bytes.
const CORE_MEMORY: u64 = MIB / 4;
/// The longest kernel command line that is passed, in bytes: half of what the loader reads as `limine.cfg`.
const LONGEST_LINE: usize = 128 << 10;

/// How the machine's instructions are executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// QEMU's translator, one host thread for each core.
    Tcg,
    /// The host's processor.
    Kvm,
    /// QEMU's translator, one thread, one instruction is one nanosecond.
    Counted,
}

/// A machine, ready to be started.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Cores.
    pub smp: u32,
    /// Tori; `None` lets the kernel choose.
    pub tori: Option<u32>,
    /// Memory, in bytes.
    pub memory: u64,
    /// Disks to swap to, one for each torus in order.
    pub swap: Vec<SwapDisk>,
    /// Which kernel it boots.
    pub kernel: Kernel,
    /// Execution.
    pub engine: Engine,
    /// The longest time it may run.
    pub timeout: Option<Duration>,
    /// The kernel's log level; `None` is the kernel's default.
    pub log: Option<String>,
    /// Log counters at the end.
    pub stats: bool,
    /// Run the first program on every torus.
    pub every_torus: bool,
    /// User and group of the first program; `None` is user 0.
    pub user: Option<(u32, u32)>,
    /// Environment of the first program, `NAME=VALUE`.
    pub environment: Vec<OsString>,
    /// Path of the first program in the machine.
    pub init: PathBuf,
    /// Its arguments, with argument 0.
    pub arguments: Vec<OsString>,
    /// More words for the kernel.
    pub words: Vec<String>,
    /// More words for QEMU.
    pub qemu: Vec<OsString>,
}

impl Default for Machine {
    /// Four cores in two tori, 512 MiB.
    fn default() -> Machine {
        Machine {
            smp: 4,
            tori: Some(2),
            memory: 512 * MIB,
            swap: Vec::new(),
            kernel: Kernel::Ordinary,
            engine: Engine::Tcg,
            timeout: None,
            log: None,
            stats: false,
            every_torus: false,
            user: None,
            environment: Vec::new(),
            init: PathBuf::from("/bin/init"),
            arguments: vec![OsString::from("init")],
            words: Vec::new(),
            qemu: Vec::new(),
        }
    }
}

/// What the first program's descriptors are connected to.
#[derive(Clone, Debug, Default)]
pub struct Terminal {
    /// Digits of the descriptors that are terminals.
    pub digits: String,
    /// Rows and columns.
    pub size: Option<(u16, u16)>,
}

impl Machine {
    /// The kernel's command line.
    ///
    /// # Errors
    /// It is longer than can be passed.
    pub fn command_line(&self, terminal: &Terminal) -> Result<String> {
        let mut words = Words::default();
        words.plain(
            self.tori
                .map_or("tori=auto".to_owned(), |tori| format!("tori={tori}")),
        );
        if !self.swap.is_empty() {
            words.plain(swap::word(self.swap.len()));
        }
        if let Some(log) = &self.log {
            words.plain(format!("log={log}"));
        }
        words.plain("console=com2");
        words.plain(format!("tty={}", terminal.digits));
        if let Some((rows, columns)) = terminal.size {
            words.plain(format!("winsize={rows}x{columns}"));
        }
        words.plain("debug-exit=0xf4");
        if self.every_torus {
            words.plain("every-torus");
        }
        if self.stats {
            words.plain("stats");
        }
        if let Some((user, group)) = self.user {
            words.plain(format!("user={user}:{group}"));
        }
        if self.engine == Engine::Counted {
            // Counted instructions are the same every time.
            words.plain("norandmaps");
        }
        self.words.iter().for_each(|word| words.plain(word));
        for variable in &self.environment {
            words.value("env", variable);
        }
        words.value("init", self.init.as_os_str());
        words.arguments(self.arguments.iter().map(OsString::as_os_str));
        let line = words.line();
        if line.len() > LONGEST_LINE {
            bail!(
                "arguments and environment are too long: {} KiB encoded",
                line.len() >> 10
            );
        }
        Ok(line)
    }

    /// Whether cores and tori fit together.
    ///
    /// # Errors
    /// They do not.
    pub fn check(&self) -> Result<()> {
        let Machine { smp, tori, .. } = *self;
        if smp == 0 {
            bail!("--smp 0: a machine needs at least one core");
        }
        match tori {
            Some(0) => bail!("--tori 0: a machine needs at least one torus"),
            Some(tori) if tori > smp => {
                bail!("--tori {tori} is more than --smp {smp}: each torus needs a core")
            }
            _ => Ok(()),
        }
    }

    /// Whether the memory holds a boot volume of `volume` bytes.
    ///
    /// # Errors
    /// It does not; the message tells how much is needed.
    pub fn check_memory(&self, volume: u64) -> Result<()> {
        let tori = u64::from(self.tori.unwrap_or(1)) * TORUS_MEMORY;
        let needed = volume + KERNEL_MEMORY + tori + u64::from(self.smp) * CORE_MEMORY;
        if self.memory >= needed {
            return Ok(());
        }
        bail!(
            "--mem {}M is too little for this image: it needs {}M ({}M of files, the rest for the kernel)",
            self.memory / MIB,
            needed.div_ceil(MIB),
            volume.div_ceil(MIB)
        )
    }
}

/// The boot volume, in a file that has no name and so leaves nothing behind.
#[derive(Debug)]
pub struct Volume {
    /// The archive.
    pub file: File,
    /// Its size in bytes.
    pub size: u64,
}

impl Volume {
    /// Writes the boot volume: the checkout's `limine.cfg` with the kernel's command line, the kernel, and the guest's
    /// files.
    ///
    /// The command line stands in the file because QEMU has room for no more than 4 KiB in `-append`.
    ///
    /// # Errors
    /// A file cannot be read, or the memory for the volume is not there.
    pub fn new(root: &Path, boot: &Boot, tree: Tree, line: &str) -> Result<Volume> {
        let config = root.join("limine.cfg");
        let config = std::fs::read_to_string(&config)
            .with_context(|| format!("{} cannot be read", config.display()))?;
        let config = menu::with_line(&config, line).into_bytes();
        let host_file = |path: &Path| -> Result<Data> {
            let metadata = path
                .metadata()
                .with_context(|| format!("{} is missing", path.display()))?;
            Ok(Data::HostFile(path.to_path_buf(), metadata.len()))
        };
        let entries = vec![
            Entry::file("limine.cfg", Data::Bytes(config)),
            Entry::file("boot/braid-kernel", host_file(&boot.kernel)?),
            Entry::file("boot/root.cpio", Data::Archive(tree.archive()?)),
        ];
        let archive = Archive::new(entries, PAGE)?;
        let file = rustix::fs::memfd_create("boot.cpio", MemfdFlags::CLOEXEC)
            .context("no memory for the boot volume")?;
        let file = File::from(file);
        let mut out = BufWriter::with_capacity(1 << 16, &file);
        archive
            .write_to(&mut out)
            .and_then(|()| out.flush())
            .context("writing the boot volume")?;
        drop(out);
        Ok(Volume {
            file,
            size: archive.len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_has_all_words() {
        let machine = Machine {
            environment: vec![OsString::from("A=b c")],
            arguments: vec![OsString::from("sh"), OsString::new()],
            stats: true,
            swap: vec![SwapDisk::Temporary(MIB); 2],
            ..Machine::default()
        };
        let terminal = Terminal {
            digits: "01".to_owned(),
            size: Some((24, 80)),
        };
        assert_eq!(
            machine.command_line(&terminal).unwrap(),
            "tori=2 swap=vda,vdb console=com2 tty=01 winsize=24x80 debug-exit=0xf4 stats env=A%3Db%20c \
             init=/bin/init -- sh %e"
        );
        let long = Machine {
            arguments: vec!["x".repeat(1 << 17).into()],
            ..Machine::default()
        };
        assert!(long.command_line(&terminal).is_err());
    }

    #[test]
    fn impossible_machines_are_refused() {
        let machine = |smp, tori| Machine {
            smp,
            tori,
            ..Machine::default()
        };
        assert!(machine(0, None).check().is_err());
        assert!(machine(2, Some(3)).check().is_err());
        assert!(machine(2, Some(0)).check().is_err());
        assert!(machine(1, Some(1)).check().is_ok());
        assert!(machine(1, None).check_memory(600 * MIB).is_err());
        assert!(machine(1, None).check_memory(100 * MIB).is_ok());
    }
}
