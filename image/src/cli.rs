//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::{Args, Parser, Subcommand};

use crate::accel::{self, Accel};
use crate::bench::arguments::BenchArgs;
use crate::ending;
use crate::exec::{self, Parts, Program};
use crate::install::Consent;
use crate::machine::{Engine, MIB, Machine};
use crate::progress::Voice;
use crate::vmo::VmoVerb;

use image::{BoardArgs, ImageArgs, WhereArgs};

mod image;

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
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..=255))]
    smp: Option<u32>,
    /// Tori, or auto for the kernel's choice [default: 2, with one core 1]
    #[arg(long, value_name = "T", value_parser = parse_tori)]
    tori: Option<Tori>,
    /// Memory: bytes, or with K, M or G
    #[arg(long, value_name = "SIZE", default_value = "512M", value_parser = parse_size)]
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
    /// End the machine after so many seconds [default: never; the demonstration: 120]
    #[arg(long, value_name = "S", value_parser = parse_seconds)]
    timeout: Option<Duration>,
    /// Environment of the program
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_variable)]
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
    /// A static Linux program of the host, and its arguments
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "PROGRAM [ARGS]"
    )]
    program: Vec<OsString>,
}

#[derive(Clone, Copy, Debug)]
struct Tori(Option<u32>);

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

fn dispatch(cli: Cli) -> Result<u8> {
    match cli.verb {
        None => run(cli.machine),
        Some(Verb::Run { machine, board }) => match &board.image {
            None => run(machine),
            Some(image) => board.run(machine, image),
        },
        Some(Verb::Exec { machine, program }) => {
            let voice = machine.voice();
            let (mut shape, program) = (machine.shape()?, program.program()?);
            let tree = program.install(&mut shape)?;
            let parts = machine.prepare(&mut shape)?;
            exec::boot(&parts, &shape, tree, voice)
        }
        Some(Verb::Gdb { machine, program }) => {
            let voice = machine.voice();
            let (mut shape, program) = (machine.shape()?, program.program()?);
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
        let parts = exec::parts(Consent::new(self.no_install), voice)?;
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
        Ok(Program {
            typed: typed.clone(),
            arguments: arguments.to_vec(),
            files: parse_files(&self.file)?,
            roots: self.root.clone(),
        })
    }
}

fn parse_tori(text: &str) -> Result<Tori, String> {
    if text == "auto" {
        return Ok(Tori(None));
    }
    let number = text
        .parse()
        .map_err(|_| "a number or auto is wanted".to_owned())?;
    Ok(Tori(Some(number)))
}

/// Bytes out of `64M` and its like; machines have whole mebibytes.
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], 1 << 10),
        Some((at, 'm' | 'M')) => (&text[..at], MIB),
        Some((at, 'g' | 'G')) => (&text[..at], 1 << 30),
        _ => (text, 1),
    };
    let number: u64 = digits
        .parse()
        .map_err(|_| "a number with K, M or G is wanted, as 512M".to_owned())?;
    let bytes = number.checked_mul(unit).ok_or("it is too large")?;
    if bytes % MIB != 0 || bytes == 0 {
        return Err("whole mebibytes are wanted, as 512M".to_owned());
    }
    Ok(bytes)
}

pub(crate) fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds = text
        .parse()
        .ok()
        .and_then(|s| Duration::try_from_secs_f64(s).ok());
    seconds
        .filter(|s| !s.is_zero())
        .ok_or_else(|| "seconds above zero are wanted".to_owned())
}

fn parse_variable(text: &str) -> Result<OsString, String> {
    match text.split_once('=') {
        Some((name, _)) if !name.is_empty() => Ok(text.into()),
        _ => Err("NAME=VALUE is wanted".to_owned()),
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
    fn sizes_and_times() {
        assert_eq!(parse_size("512M"), Ok(512 << 20));
        assert_eq!(parse_size("2G"), Ok(2 << 30));
        for bad in ["", "M", "12x", "100", "0", "0M", "99999999999G", "-1M"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
        assert_eq!(parse_seconds("0.5"), Ok(Duration::from_millis(500)));
        for bad in ["", "0", "-1", "nan", "inf", "1e99"] {
            assert!(parse_seconds(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn arguments_after_the_program_are_its_own() {
        let cli = Cli::try_parse_from(["braid", "exec", "--smp", "2", "sh", "-c", "x", "--smp"]);
        let Some(Verb::Exec { machine, program }) = cli.unwrap().verb else {
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
