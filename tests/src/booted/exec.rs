//! One program in a machine of its own, or on the host.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use braid::bench::counted::symbols::Symbols;
use braid::build::Kernel;
use braid::exec::Program;
use braid::latency::{self, Row, Watched};
use braid::machine::{Engine, MIB, Machine, Terminal, Volume};
use braid::progress::Voice;
use braid::swap::SwapDisk;

use super::boot::{Output, boot, built, parts, text, tool_status};
use super::limine;

/// How long a test's machine may run, unless the test says otherwise.
const TIMEOUT: Duration = Duration::from_secs(120);
const PATH: &str = "PATH=/bin:/sbin:/usr/bin:/usr/sbin";

/// A program to run.
#[derive(Clone, Debug)]
pub struct Exec {
    program: Program,
    machine: Machine,
    stdin: Vec<u8>,
    directory: Option<PathBuf>,
    may_leak: bool,
    via: Via,
}

/// How a machine is booted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Via {
    /// With our own loader.
    #[default]
    Loader,
    /// From a CD with real Limine, by BIOS; wants `LIMINE_DIR`.
    Bios,
    /// From a CD with real Limine, by UEFI; wants `LIMINE_DIR`.
    Uefi,
}

impl Exec {
    /// Runs `program`, a file of the host, with four cores and two tori.
    #[must_use]
    pub fn new(program: impl AsRef<Path>) -> Exec {
        let machine = Machine {
            timeout: Some(TIMEOUT),
            environment: vec![PATH.into(), "HOME=/".into()],
            log: Some("info".to_owned()),
            ..Machine::default()
        };
        let typed = program.as_ref().as_os_str().to_owned();
        Exec {
            program: Program {
                typed,
                ..Program::default()
            },
            machine,
            stdin: Vec::new(),
            directory: None,
            may_leak: false,
            via: Via::Loader,
        }
    }

    /// Busybox, with the name of its applet and arguments.
    #[must_use]
    pub fn busybox<S: Into<OsString>>(words: impl IntoIterator<Item = S>) -> Exec {
        Exec::new(super::programs::busybox()).args(words)
    }

    /// Busybox's shell, with this script.
    #[must_use]
    pub fn sh(script: &str) -> Exec {
        Exec::busybox(["sh", "-c", script])
    }

    /// More arguments.
    #[must_use]
    pub fn args<S: Into<OsString>>(mut self, words: impl IntoIterator<Item = S>) -> Exec {
        self.program
            .arguments
            .extend(words.into_iter().map(Into::into));
        self
    }

    /// Number of cores; no more tori than that.
    #[must_use]
    pub fn smp(mut self, cores: u32) -> Exec {
        self.machine.smp = cores;
        self.machine.tori = self.machine.tori.map(|tori| tori.min(cores));
        self
    }

    /// Number of tori.
    #[must_use]
    pub fn tori(mut self, tori: u32) -> Exec {
        self.machine.tori = Some(tori);
        self
    }

    /// Memory, in mebibytes.
    #[must_use]
    pub fn mem(mut self, mebibytes: u64) -> Exec {
        self.machine.memory = mebibytes * MIB;
        self
    }

    /// Swap, in mebibytes, divided among the tori.
    #[must_use]
    pub fn swap(mut self, mebibytes: u64) -> Exec {
        let tori = self.machine.tori.unwrap_or(self.machine.smp);
        let each = SwapDisk::Temporary(mebibytes * MIB / u64::from(tori));
        self.machine.swap = vec![each; tori as usize];
        self
    }

    /// Swap for torus 0 to a disk that fails as a file for QEMU's `blkdebug` driver says.
    #[must_use]
    pub fn failing_swap(mut self, mebibytes: u64, rules: &Path) -> Exec {
        self.machine.swap = vec![SwapDisk::Failing(mebibytes * MIB, rules.to_owned())];
        self
    }

    /// Swap for torus 0 to a file of the host.
    #[must_use]
    pub fn swap_file(mut self, path: &Path) -> Exec {
        self.machine.swap = vec![SwapDisk::File(path.to_owned())];
        self
    }

    /// Has the kernel log its counters at the end.
    #[must_use]
    pub fn stats(mut self) -> Exec {
        self.machine.stats = true;
        self
    }

    /// One more environment variable, `NAME=VALUE`.
    #[must_use]
    pub fn env(mut self, variable: &str) -> Exec {
        self.machine.environment.push(variable.into());
        self
    }

    /// Bytes on standard input, which then ends.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Exec {
        self.stdin = bytes.into();
        self
    }

    /// A file of the host, at a path of the machine.
    #[must_use]
    pub fn file(mut self, host: impl Into<PathBuf>, guest: impl Into<PathBuf>) -> Exec {
        self.program.files.push((host.into(), guest.into()));
        self
    }

    /// A directory of the host whose content is the machine's root, and on the host the current directory: relative
    /// paths mean the same on both.
    #[must_use]
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Exec {
        let directory = directory.into();
        self.program.roots.push(directory.clone());
        self.directory = Some(directory);
        self
    }

    /// User and group of the program.
    #[must_use]
    pub fn user(mut self, user: u32, group: u32) -> Exec {
        self.machine.user = Some((user, group));
        self
    }

    /// The longest time the machine may run.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Exec {
        self.machine.timeout = Some(limit);
        self
    }

    /// Runs the program on every torus; the machine ends with the one of torus 0.
    #[must_use]
    pub fn every_torus(mut self) -> Exec {
        self.machine.every_torus = true;
        self
    }

    /// Lets the program leave frames behind.
    #[must_use]
    pub fn may_leak(mut self) -> Exec {
        self.may_leak = true;
        self
    }

    /// Number of tori as the kernel chooses.
    #[must_use]
    pub fn auto_tori(mut self) -> Exec {
        self.machine.tori = None;
        self
    }

    /// The kernel's log level.
    #[must_use]
    pub fn log(mut self, level: &str) -> Exec {
        self.machine.log = Some(level.to_owned());
        self
    }

    /// On a kernel that checks itself as it runs.
    #[must_use]
    pub fn checked(mut self) -> Exec {
        self.machine.kernel = Kernel::Checked;
        self
    }

    /// More words for the kernel.
    #[must_use]
    pub fn words(mut self, words: &str) -> Exec {
        let words = words.split_whitespace().map(str::to_owned);
        self.machine.words.extend(words);
        self
    }

    /// One thread, one instruction is one nanosecond: what is counted is the same every time.
    #[must_use]
    pub fn counted(mut self) -> Exec {
        self.machine.engine = Engine::Counted;
        self
    }

    /// More words for QEMU.
    #[must_use]
    pub fn qemu(mut self, words: &str) -> Exec {
        let words = words.split_whitespace().map(OsString::from);
        self.machine.qemu.extend(words);
        self
    }

    /// Another way to boot.
    #[must_use]
    pub fn via(mut self, via: Via) -> Exec {
        self.via = via;
        self
    }

    /// Boots a machine and runs the program on it.
    ///
    /// # Panics
    /// The machine does not end by itself, the kernel panics, or a torus has not got all its frames back.
    #[must_use]
    pub fn run(&self) -> Output {
        let output = self
            .boot()
            .unwrap_or_else(|error| panic!("{self:?}: {error:#}"));
        assert!(!output.log.contains("PANIC"), "{}", output.log);
        assert!(
            self.may_leak || !output.log.contains(" leaks "),
            "{}",
            output.log
        );
        output
    }

    /// Runs the program as [`Exec::run`] does, and answers also with its longest stretches with interrupts off.
    ///
    /// # Panics
    /// As [`Exec::run`], or the plug-in cannot be built.
    #[must_use]
    pub fn watched(&self) -> (Output, Vec<Row>) {
        let parts = parts();
        let watched = Watched::new(&parts.root, Voice::Normal)
            .unwrap_or_else(|error| panic!("the plug-in cannot be built: {error:#}"));
        let mut exec = self.clone();
        exec.machine.qemu.extend(watched.arguments());
        let output = exec.run();
        let stretches = watched
            .stretches()
            .expect("the plug-in has written its report");
        let rows = latency::rows(&stretches, &Symbols::braid(&parts.boot.kernel));
        (output, rows)
    }

    fn boot(&self) -> Result<Output, Box<dyn std::error::Error>> {
        let (parts, built) = (parts(), built(self.machine.kernel));
        let mut machine = self.machine.clone();
        let tree = self.program.install(&mut machine)?;
        machine.check()?;
        let line = machine.command_line(&Terminal::default())?;
        let (ending, output) = match self.via {
            Via::Loader => {
                let volume = Volume::new(&parts.root, built, tree, &line)?;
                machine.check_memory(volume.size)?;
                boot(&machine, &volume, self.stdin.clone())?
            }
            Via::Bios | Via::Uefi => {
                let image = limine::image(tree, &line)?;
                let uefi = self.via == Via::Uefi;
                limine::boot(&machine, image.path(), uefi, self.stdin.clone())?
            }
        };
        if let Some(message) = ending.message() {
            panic!("{:?}: {message}\n{output:?}", self.program);
        }
        Ok(output)
    }

    /// Runs the same program on the host, with the same arguments, environment, input and relative files.
    ///
    /// # Panics
    /// The host cannot run it.
    #[must_use]
    pub fn host(&self) -> Output {
        let program = std::fs::canonicalize(&self.program.typed).expect("the program exists");
        let mut command = Command::new(program);
        command.args(&self.program.arguments).env_clear();
        for variable in &self.machine.environment {
            let text = variable.to_str().expect("variables of tests are text");
            let (name, value) = text.split_once('=').expect("variables have a name");
            command.env(name, value);
        }
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the host can run the program");
        let mut stdin = child.stdin.take().expect("stdin is piped");
        let bytes = self.stdin.clone();
        // A program that does not read its input closes it: that is no failure.
        let writer = std::thread::spawn(move || stdin.write_all(&bytes).is_ok());
        let output = child.wait_with_output().expect("the program ends");
        let _ = writer.join();
        Output {
            stdout: text(output.stdout),
            stderr: text(output.stderr),
            log: String::new(),
            status: tool_status(output.status),
        }
    }

    /// Runs the program on both, and checks that output, errors and status agree.
    ///
    /// # Panics
    /// They do not.
    pub fn same_as_host(&self) -> Output {
        let (ours, host) = (self.run(), self.host());
        let seen = |output: &Output| (output.status, output.stdout.clone(), output.stderr.clone());
        assert_eq!(
            seen(&ours),
            seen(&host),
            "braid, then the host; log:\n{}",
            ours.log
        );
        ours
    }
}
