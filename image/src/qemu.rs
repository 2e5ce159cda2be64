//! Starts QEMU so that it cannot outlive the tool.
//!
//! Its serial ports are sockets that both ends inherit, its boot volume is a file without a name: nothing lies in the file
//! system, and nothing has to be cleaned up. The kernel of the host kills QEMU when the thread that started it ends.

use std::fs::File;
use std::net::TcpListener;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use rustix::io::FdFlags;
use rustix::process::{Signal, set_parent_process_death_signal};

use crate::firmware::Firmware;
use crate::machine::{Engine, MIB, Machine, Volume};
use crate::medium::Medium;
use crate::session::Port;
use crate::setup::Qemu;
use crate::swap::SwapDisk;

/// A machine that runs.
#[derive(Debug)]
pub struct Running {
    /// QEMU; killed when this is dropped.
    pub child: Child,
    /// Program console, framed.
    pub console: UnixStream,
    /// The kernel's log.
    pub log: UnixStream,
}

impl Drop for Running {
    fn drop(&mut self) {
        // An error means that it has ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How the machine comes to its first instruction.
#[derive(Debug)]
pub enum Start<'a> {
    /// It starts at once.
    Now,
    /// It waits for a debugger on this socket.
    Debugger(&'a TcpListener),
}

/// Starts `machine` from `volume` with `loader`.
///
/// # Errors
/// QEMU cannot be executed. What it says afterwards is on its stderr.
pub fn start(
    qemu: &Qemu,
    machine: &Machine,
    loader: &Path,
    volume: &Volume,
    start: &Start<'_>,
) -> Result<Running> {
    let mut command = sized(qemu, machine);
    let volume = volume.file.as_raw_fd();
    command.arg("-kernel").arg(loader);
    command.args(["-initrd", &format!("/proc/self/fd/{volume}")]);
    // Nothing is booted from disks. SeaBIOS would keep memory for each that it could boot, in the end where QEMU puts the volume.
    command.args(["-boot", "strict=on"]);
    let mut inherited = vec![volume];
    let disks: Vec<File> = machine
        .swap
        .iter()
        .map(SwapDisk::open)
        .collect::<Result<_>>()?;
    for (number, (disk, file)) in machine.swap.iter().zip(&disks).enumerate() {
        command.args(disk.arguments(number, file));
        inherited.push(file.as_raw_fd());
    }
    launch(command, inherited, Port::Framed, start)
}

/// Starts `machine` from an image, with a screen.
///
/// # Errors
/// QEMU cannot be executed.
pub fn start_image(
    qemu: &Qemu,
    machine: &Machine,
    medium: &Medium<'_>,
    firmware: Option<&Firmware>,
    port: Port,
) -> Result<Running> {
    let mut command = sized(qemu, machine);
    let mut inherited = Vec::new();
    command.args(["-vga", "std"]).args(medium.arguments());
    if let Some(firmware) = firmware {
        inherited.push(firmware.variables.as_raw_fd());
        command.args(firmware.arguments());
    }
    launch(command, inherited, port, &Start::Now)
}

/// Starts QEMU with its serial ports: log and framed console, or as on a board all on the first.
fn launch(
    mut command: Command,
    mut inherited: Vec<RawFd>,
    port: Port,
    start: &Start<'_>,
) -> Result<Running> {
    let (console, console_there) = UnixStream::pair()?;
    let (log, log_there) = UnixStream::pair()?;
    let ports = match port {
        Port::Framed => vec![("log", log_there), ("console", console_there)],
        // The log's other end is closed.
        Port::Plain => vec![("console", console_there)],
    };
    for (name, socket) in &ports {
        let fd = socket.as_raw_fd();
        inherited.push(fd);
        command.args(["-chardev", &format!("socket,id={name},fd={fd}")]);
        command.args(["-serial", &format!("chardev:{name}")]);
    }
    if let Start::Debugger(listener) = start {
        let fd = listener.as_raw_fd();
        inherited.push(fd);
        command.args(["-S", "-gdb", "chardev:gdb"]);
        command.args([
            "-chardev",
            &format!("socket,id=gdb,fd={fd},server=on,wait=off"),
        ]);
    }
    let child = spawn(command, inherited)?;
    Ok(Running {
        child,
        console,
        log,
    })
}

/// Whether a probe machine comes alive under KVM: the loader, without a boot volume, has to say that it refuses to boot.
///
/// # Errors
/// QEMU cannot be executed.
pub fn probe(qemu: &Qemu, loader: &Path) -> Result<Child> {
    let mut command = common(qemu, Engine::Kvm);
    command.args(["-m", "64M", "-kernel"]).arg(loader);
    spawn(command, Vec::new())
}

/// QEMU with cores and memory.
fn sized(qemu: &Qemu, machine: &Machine) -> Command {
    let mut command = common(qemu, machine.engine);
    command.arg("-smp").arg(machine.smp.to_string());
    command.arg("-m").arg(format!("{}M", machine.memory / MIB));
    command.args(&machine.qemu);
    command
}

/// QEMU with what every machine has.
pub(crate) fn common(qemu: &Qemu, engine: Engine) -> Command {
    let mut command = Command::new(&qemu.path);
    command.args(["-machine", "q35", "-nodefaults", "-no-user-config"]);
    command.args(["-display", "none", "-monitor", "none", "-no-reboot"]);
    command.args(["-device", "isa-debug-exit,iobase=0xf4,iosize=1"]);
    match engine {
        Engine::Tcg => command.args(["-accel", "tcg,thread=multi"]),
        Engine::Kvm => command.args(["-accel", "kvm"]),
        Engine::Counted => command.args([
            "-accel",
            "tcg,thread=single",
            "-icount",
            "shift=0,sleep=off",
            "-rtc",
            "base=2026-01-01T00:00:00,clock=vm",
        ]),
    };
    command.args(["-cpu", cpu(engine)]);
    command
}

/// The guest's processor, as QEMU's option. With ERMS `rep stosb` would count every byte as an instruction.
pub(crate) const fn cpu(engine: Engine) -> &'static str {
    match engine {
        Engine::Tcg | Engine::Kvm => "max",
        Engine::Counted => "max,erms=off,fsrm=off",
    }
}

/// Starts a QEMU that ends with us and holds the descriptors of `inherited`.
pub(crate) fn spawn(mut command: Command, inherited: Vec<RawFd>) -> Result<Child> {
    let parent = rustix::process::getpid();
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    // Its own group, so that an interrupt from the terminal reaches the tool alone.
    command.process_group(0);
    let prepare = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        if rustix::process::getppid() != Some(parent) {
            return Err(std::io::ErrorKind::Interrupted.into());
        }
        for &fd in &inherited {
            // SAFETY: I2: the descriptors of `inherited` are open in the parent across `spawn`, hence in the child.
            let fd = unsafe { BorrowedFd::borrow_raw(fd) };
            rustix::io::fcntl_setfd(fd, FdFlags::empty())?;
        }
        Ok(())
    };
    // SAFETY: I1: between fork and exec, `prepare` makes system calls only: it allocates nothing and takes no lock.
    unsafe { command.pre_exec(prepare) };
    command.spawn().context("could not start QEMU")
}
