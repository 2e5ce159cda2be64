//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::error::{ContextKind, ErrorKind};
use clap::{Args, Parser, Subcommand};

use crate::accel::{self, Accel};
use crate::bench::arguments::BenchArgs;
use crate::build::Kernel;
use crate::ending;
use crate::exec::{self, Parts, Program};
use crate::install::Consent;
use crate::machine::{Engine, Machine};
use crate::progress::Voice;
use crate::vmo::VmoVerb;

use image::{BoardArgs, ImageArgs, WhereArgs};
use values::Tori;

mod image;
pub(crate) mod values;

/// Boots Braid, a multi-core microkernel, in QEMU.
#[derive(Debug, Parser)]
#[command(name = "braid", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    machine: MachineArgs,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the demonstration (the default), or an image
    Run {
        #[command(flatten)]
        machine: MachineArgs,
        #[command(flatten)]
        board: BoardArgs,
    },
    /// Run one static Linux program; its input, output and exit status are ours
    Exec {
        #[command(flatten)]
        machine: MachineArgs,
        /// Tell the longest stretches with interrupts off on stderr, by function
        #[arg(long)]
        latency: bool,
        #[command(flatten)]
        program: ProgramArgs,
    },
    /// The same machine, stopped at its first instruction, with gdb attached
    Gdb {
        #[command(flatten)]
        machine: MachineArgs,
        #[command(flatten)]
        program: ProgramArgs,
    },
    /// Make an image that real Limine boots: a CD and USB stick, or a disk
    Image(ImageArgs),
    /// Measure Braid, side by side with Linux
    Bench(BenchArgs),
    /// Name the kernel's functions at addresses, as of a panic on a board's screen
    Where(WhereArgs),
    /// Files as memory objects: their ids, and where they differ
    Vmo {
        #[command(subcommand)]
        verb: VmoVerb,
    },
}

#[derive(Debug, Args)]
struct MachineArgs {
    /// Cores [default: 4; with --icount 1]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = values::number(1..=255))]
    smp: Option<u32>,
    /// Tori, or auto for the kernel's choice [default: 2, with one core 1]
    #[arg(long, value_name = "T", allow_negative_numbers = true, value_parser = values::tori)]
    tori: Option<Tori>,
    /// Memory: bytes, or with K, M or G
    #[arg(long, value_name = "SIZE", default_value = "512M", allow_negative_numbers = true, value_parser = values::size)]
    mem: u64,
    /// Swap: a size for a temporary disk, divided among the tori, or a disk image for each torus in order
    #[arg(long, value_name = "SIZE|FILE")]
    swap: Vec<OsString>,
    /// How instructions are executed
    #[arg(long, value_enum, default_value_t)]
    accel: Accel,
    /// Count: one thread, one instruction is one nanosecond of guest time
    #[arg(long)]
    icount: bool,
    /// Boot a kernel that checks itself as it runs: freed frames, entries, owed flushes
    #[arg(long)]
    checked: bool,
    /// End the machine after so many seconds [default: never; the demonstration: 120]
    #[arg(long, value_name = "S", allow_negative_numbers = true, value_parser = values::seconds)]
    timeout: Option<Duration>,
    /// Environment of the program
    #[arg(long, value_name = "NAME=VALUE", value_parser = values::variable)]
    env: Vec<OsString>,
    /// The kernel's log level
    #[arg(long, value_name = "LEVEL", value_parser = ["error", "warn", "info", "debug", "trace"])]
    log: Option<String>,
    /// Log counters at the end
    #[arg(long)]
    stats: bool,
    /// More words for the kernel's command line
    #[arg(long, value_name = "WORDS")]
    cmdline: Option<String>,
    /// More words for QEMU's command line
    #[arg(long, value_name = "WORDS", allow_hyphen_values = true)]
    qemu: Option<String>,
    /// No kernel log and no remarks on stderr
    #[arg(short, long)]
    quiet: bool,
    /// Install nothing: print the command instead
    #[arg(long)]
    no_install: bool,
}

#[derive(Debug, Args)]
struct ProgramArgs {
    /// Put a file of the host into the machine
    #[arg(long, value_name = "HOST:GUEST")]
    file: Vec<OsString>,
    /// Put a directory's content into the machine's root
    #[arg(long, value_name = "DIR")]
    root: Vec<PathBuf>,
    /// Run it as this user and group [default: 0:0; a user's group is that of the same number]
    #[arg(long, value_name = "UID[:GID]", value_parser = values::user)]
    user: Option<(u32, u32)>,
    /// A static Linux program of the host, and its arguments
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "PROGRAM [ARGS]"
    )]
    program: Vec<OsString>,
}

/// Reads the command line, does it, and gives the exit status.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let status = if error.use_stderr() {
                ending::FAILURE
            } else {
                0
            };
            // A closed stderr leaves nobody to tell.
            let _ = error.print();
            let first = std::env::args_os().nth(1);
            let first = first.as_ref().and_then(|word| word.to_str());
            if let Some(advice) = advice(&error, first) {
                eprintln!("{advice}");
            }
            return ExitCode::from(status);
        }
    };
    match dispatch(cli) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            crate::terminal::restore();
            eprintln!("braid: {error:#}");
            ExitCode::from(ending::FAILURE)
        }
    }
}

/// What to do instead, where the parser does not say it; `first` is the first word of the command line.
fn advice(error: &clap::Error, first: Option<&str>) -> Option<&'static str> {
    const EXEC: &str = "To run a program: braid exec [OPTIONS] PROGRAM [ARGS]";
    let verb = error.get(ContextKind::InvalidSubcommand);
    let verb = verb.map(ToString::to_string);
    match error.kind() {
        ErrorKind::InvalidSubcommand if verb.as_deref() == first => Some(EXEC),
        ErrorKind::UnknownArgument if first == Some("run") => {
            let word = error.get(ContextKind::InvalidArg)?.to_string();
            (!word.starts_with('-')).then_some(EXEC)
        }
        ErrorKind::ArgumentConflict if verb.is_some() => {
            Some("Options stand after the verb: braid exec --smp 8 PROGRAM")
        }
        _ => None,
    }
}

fn dispatch(cli: Cli) -> Result<u8> {
    match cli.verb {
        None => run(cli.machine),
        Some(Verb::Run { machine, board }) => match &board.image {
            None => run(machine),
            Some(image) => board.run(machine, image),
        },
        Some(Verb::Exec {
            machine,
            latency,
            program,
        }) => {
            let voice = machine.voice();
            let mut shape = machine.shape()?;
            shape.user = program.user;
            let program = program.program()?;
            let tree = program.install(&mut shape)?;
            let parts = machine.prepare(&mut shape)?;
            if latency {
                return crate::latency::exec(&parts, shape, tree, voice);
            }
            exec::boot(&parts, &shape, tree, voice)
        }
        Some(Verb::Gdb { machine, program }) => {
            let voice = machine.voice();
            let mut shape = machine.shape()?;
            shape.user = program.user;
            let program = program.program()?;
            let tree = program.install(&mut shape)?;
            let parts = machine.prepare(&mut shape)?;
            crate::gdb::gdb(&parts, &shape, tree, voice)
        }
        Some(Verb::Image(arguments)) => arguments.make().map(|()| 0),
        Some(Verb::Bench(arguments)) => crate::bench::bench(&arguments),
        Some(Verb::Where(arguments)) => arguments.tell().map(|()| 0),
        Some(Verb::Vmo { verb }) => crate::vmo::vmo(&verb),
    }
}

fn run(mut machine: MachineArgs) -> Result<u8> {
    machine.timeout = machine.timeout.or(Some(Duration::from_secs(120)));
    let mut shape = machine.shape()?;
    let parts = machine.prepare(&mut shape)?;
    crate::run::run(&parts, shape, machine.voice())
}

fn voice(quiet: bool) -> Voice {
    if quiet { Voice::Quiet } else { Voice::Normal }
}

fn words(text: &Option<String>) -> impl Iterator<Item = &str> {
    text.iter().flat_map(|text| text.split_whitespace())
}

fn parse_files(files: &[OsString]) -> Result<Vec<(PathBuf, PathBuf)>> {
    files.iter().map(|text| exec::parse_file(text)).collect()
}

impl MachineArgs {
    fn voice(&self) -> Voice {
        voice(self.quiet)
    }

    /// The machine that is asked for, checked; what takes time comes later.
    fn shape(&self) -> Result<Machine> {
        let smp = self.smp.unwrap_or(if self.icount { 1 } else { 4 });
        let Tori(tori) = self.tori.unwrap_or(Tori(Some(smp.clamp(1, 2))));
        if self.icount && self.accel == Accel::Kvm {
            bail!("--icount counts instructions under TCG only, not under KVM");
        }
        let machine = Machine {
            smp,
            tori,
            memory: self.mem,
            // The kernel alone knows how many tori `auto` makes: no more than there are cores.
            swap: crate::swap::disks(&self.swap, tori.unwrap_or(smp).max(1))?,
            kernel: if self.checked {
                Kernel::Checked
            } else {
                Kernel::Ordinary
            },
            timeout: self.timeout,
            log: self.log.clone(),
            stats: self.stats,
            environment: self.environment(),
            words: words(&self.cmdline).map(str::to_owned).collect(),
            qemu: words(&self.qemu).map(OsString::from).collect(),
            ..Machine::default()
        };
        machine.check()?;
        machine.check_memory(0)?;
        Ok(machine)
    }

    /// What every program can expect, then the terminal's kind, then what the user says.
    fn environment(&self) -> Vec<OsString> {
        let mut all: Vec<OsString> =
            vec!["PATH=/bin:/sbin:/usr/bin:/usr/sbin".into(), "HOME=/".into()];
        if !crate::terminal::digits().is_empty()
            && let Some(term) = std::env::var_os("TERM")
        {
            let mut variable = OsString::from("TERM=");
            variable.push(term);
            all.push(variable);
        }
        for variable in &self.env {
            let name = |v: &OsString| {
                v.as_encoded_bytes()
                    .split(|&b| b == b'=')
                    .next()
                    .unwrap_or_default()
                    .to_vec()
            };
            all.retain(|other| name(other) != name(variable));
            all.push(variable.clone());
        }
        all
    }

    /// Set-up and build; then the choice of the engine, which needs both.
    fn prepare(&self, machine: &mut Machine) -> Result<Parts> {
        let voice = self.voice();
        let parts = exec::parts(machine.kernel, Consent::new(self.no_install), voice)?;
        let loader = &parts.boot.loader;
        machine.engine = accel::choose(self.accel, self.icount, &parts.qemu, loader, voice)?;
        if machine.engine == Engine::Counted {
            voice.say("running on TCG, counting: one instruction is one nanosecond");
        }
        Ok(parts)
    }
}

impl ProgramArgs {
    fn program(&self) -> Result<Program> {
        let Some((typed, arguments)) = self.program.split_first() else {
            bail!("PROGRAM is missing");
        };
        if typed.as_encoded_bytes().starts_with(b"-") {
            let typed = typed.display();
            bail!("{typed} is no option: try --help (a program of this name: ./{typed})");
        }
        Ok(Program {
            typed: typed.clone(),
            arguments: arguments.to_vec(),
            files: parse_files(&self.file)?,
            roots: self.root.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn arguments_after_the_program_are_its_own() {
        let cli = Cli::try_parse_from(["braid", "exec", "--smp", "2", "sh", "-c", "x", "--smp"]);
        let Some(Verb::Exec {
            machine, program, ..
        }) = cli.unwrap().verb
        else {
            panic!("exec")
        };
        assert_eq!(machine.smp, Some(2));
        assert_eq!(program.program, ["sh", "-c", "x", "--smp"]);
        assert!(
            Cli::try_parse_from(["braid", "--smp", "8"])
                .unwrap()
                .verb
                .is_none()
        );
    }
}
