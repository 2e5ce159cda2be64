//! `braid exec`: one program of the host, in a machine of its own.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::build::{self, Boot, Kernel};
use crate::elf_check;
use crate::ending::Ending;
use crate::host_io::{Sink, Source};
use crate::install::{self, Consent};
use crate::log_lines::LogLines;
use crate::machine::{Machine, Terminal, Volume};
use crate::progress::Voice;
use crate::qemu::{self, Start};
use crate::session::{Finished, Host, Port, Session};
use crate::setup::{self, Qemu};
use crate::signals::{self, Signals};
use crate::terminal::{self, Raw};
use crate::tree::Tree;

/// Log lines shown with a failure when the log itself was silenced.
const TAIL: usize = 20;

/// Everything that a machine is built from.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The checkout.
    pub root: PathBuf,
    /// Kernel and loader.
    pub boot: Boot,
    /// The emulator.
    pub qemu: Qemu,
}

/// Finds or installs what is needed, and builds kernel and loader.
///
/// # Errors
/// Something is missing, or does not compile.
pub fn parts(kernel: Kernel, consent: Consent, voice: Voice) -> Result<Parts> {
    let root = crate::repo::root()?;
    let qemu = setup::qemu(consent, voice)?;
    setup::rust_targets(&root, consent, voice)?;
    let boot = build::boot(&root, kernel, voice)?;
    Ok(Parts { root, boot, qemu })
}

/// A program of the host and the files that it is given.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// As typed: a path, or a name to find in `PATH`.
    pub typed: OsString,
    /// Arguments after argument 0.
    pub arguments: Vec<OsString>,
    /// `HOST:GUEST` files.
    pub files: Vec<(PathBuf, PathBuf)>,
    /// Directories whose content becomes the machine's root.
    pub roots: Vec<PathBuf>,
}

impl Program {
    /// Checks the program, and puts it and its files into a tree; `machine` then names it as its first program.
    ///
    /// # Errors
    /// The program cannot run in a machine, or a file cannot be read.
    pub fn install(&self, machine: &mut Machine) -> Result<Tree> {
        let host = self.find()?;
        elf_check::check(&host).map_err(|error| anyhow::anyhow!("{} {error}", host.display()))?;
        let mut tree = Tree::default();
        for root in &self.roots {
            let option = || format!("--root {}", root.display());
            tree.add_directory(root).with_context(option)?;
        }
        for (host, guest) in &self.files {
            let option = || format!("--file {}:{}", host.display(), guest.display());
            tree.add_file(host, guest.as_os_str().as_bytes())
                .with_context(option)?;
        }
        let name = host.file_name().context("the program has no name")?;
        let guest = Path::new("/bin").join(name);
        tree.add_file(&host, guest.as_os_str().as_bytes())?;
        machine.init = guest;
        machine.arguments = vec![self.typed.clone()];
        machine.arguments.extend(self.arguments.iter().cloned());
        Ok(tree)
    }

    fn find(&self) -> Result<PathBuf> {
        let path = PathBuf::from(&self.typed);
        if path.exists() {
            return Ok(path);
        }
        let found = self
            .typed
            .to_str()
            .filter(|name| !name.contains('/'))
            .and_then(install::find);
        found.with_context(|| format!("{}: no such program, as a path or in PATH", path.display()))
    }
}

/// Reads `HOST:GUEST`.
///
/// # Errors
/// There is no colon, or the guest path is not absolute.
pub fn parse_file(text: &OsStr) -> Result<(PathBuf, PathBuf)> {
    let bytes = text.as_bytes();
    let shown = text.display();
    let Some(colon) = bytes.iter().rposition(|&b| b == b':') else {
        bail!("--file {shown}: HOST:GUEST is wanted");
    };
    let path = |bytes: &[u8]| PathBuf::from(OsString::from_vec(bytes.to_vec()));
    let (host, guest) = (path(&bytes[..colon]), path(&bytes[colon + 1..]));
    if !guest.is_absolute() {
        bail!("--file {shown}: the path in the machine has to begin with /");
    }
    if guest.starts_with("/dev") || guest.starts_with("/proc") {
        bail!("--file {shown}: /dev and /proc are the kernel's, and show nothing else");
    }
    Ok((host, guest))
}

/// Boots `machine` on the terminal and descriptors of the tool, and answers with the tool's exit status.
///
/// # Errors
/// The machine cannot be started; how it ends is the status.
pub fn boot(parts: &Parts, machine: &Machine, tree: Tree, voice: Voice) -> Result<u8> {
    let view = Terminal {
        digits: terminal::digits(),
        size: terminal::size(),
    };
    let line = machine.command_line(&view)?;
    let volume = Volume::new(&parts.root, &parts.boot, tree, &line)?;
    machine.check_memory(volume.size)?;
    let signals = Signals::catch()?;
    let running = qemu::start(
        &parts.qemu,
        machine,
        &parts.boot.loader,
        &volume,
        &Start::Now,
    )?;
    drop(volume);
    let host = host(voice, signals)?;
    let log = LogLines::new(parts.boot.kernel.clone());
    let finished = Session::new(running, Port::Framed, host, log, machine.timeout)?.run()?;
    Ok(report(&finished, voice))
}

/// The tool's terminal and descriptors as a machine's.
///
/// # Errors
/// They cannot be used.
pub fn host(voice: Voice, signals: Signals) -> Result<Host> {
    let raw = Raw::enter();
    if raw.is_some() && voice == Voice::Normal {
        eprint!("braid: Ctrl-] twice ends the machine\r\n");
    }
    let stdin_is_ours = raw.is_some() || !io::stdin().is_terminal();
    Ok(Host {
        stdin: if stdin_is_ours {
            Source::host(io::stdin().as_fd())?
        } else {
            Source::Silent
        },
        stdout: Sink::host(io::stdout().as_fd())?,
        stderr: Sink::host(io::stderr().as_fd())?,
        log: if voice == Voice::Quiet {
            Sink::Nowhere
        } else {
            Sink::host(io::stderr().as_fd())?
        },
        raw,
        signals: Some(signals),
        debugger: None,
    })
}

/// Tells how the machine ended where that needs telling, and gives the exit status.
pub fn report(finished: &Finished, voice: Voice) -> u8 {
    let Finished { ending, log, .. } = finished;
    if let Some(message) = ending.message() {
        if ending.wants_log() && voice == Voice::Quiet {
            log.tail(TAIL).for_each(|line| eprintln!("{line}"));
        }
        eprintln!("braid: {message}");
        if let Ending::TimedOut(_) | Ending::Lost(_) = ending
            && voice == Voice::Normal
        {
            let last = log.tail(1).next().unwrap_or("(none)").to_owned();
            eprintln!("braid: the kernel's last log line: {last}");
        }
    }
    if let Ending::Interrupted(signal) = ending {
        signals::die(*signal);
    }
    ending.exit_status()
}
