//! A machine that runs the benchmark program on Linux.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Child;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::fs::MemfdFlags;

use super::Kernel;
use crate::bench::run::{Guest, Run};
use crate::machine::MIB;
use crate::qemu;
use crate::tree::Tree;

/// How Linux decides about large pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Huge {
    /// Not at all.
    Never,
    /// As the kernel was built.
    Default,
}

/// No mitigations, no random addresses, the log on the first serial port, and a panic ends the machine.
macro_rules! plain_words {
    () => {
        "console=ttyS0 quiet panic=-1 mitigations=off nokaslr norandmaps random.trust_cpu=off"
    };
}

/// How much of the log is kept, in bytes.
const KEPT: usize = 16 << 10;

/// Major and minor numbers of what the program needs in `/dev`.
const DEVICES: [(&str, (u32, u32)); 3] = [
    ("/dev/console", (5, 1)),
    ("/dev/ttyS1", (4, 65)),
    ("/dev/null", (1, 3)),
];

/// The kernel's command line.
#[must_use]
pub fn command_line(huge: Huge, program: &str, arguments: &[String]) -> String {
    format!(
        "{} rdinit={program} -- {}",
        words(huge),
        arguments.join(" ")
    )
}

/// What the kernel is told besides the program.
#[must_use]
pub const fn words(huge: Huge) -> &'static str {
    match huge {
        Huge::Never => concat!(plain_words!(), " transparent_hugepage=never"),
        Huge::Default => plain_words!(),
    }
}

/// Boots `kernel` with the program as its first process, and waits for the end.
///
/// # Errors
/// The machine cannot be started; how it ends is in the answer.
pub fn boot(kernel: &Kernel, huge: Huge, guest: &Guest<'_>) -> Result<Run> {
    let initramfs = initramfs(guest.program)?;
    let (records, records_there) = UnixStream::pair()?;
    let (log, log_there) = UnixStream::pair()?;
    let mut command = qemu::common(&guest.parts.qemu, guest.engine);
    command.arg("-smp").arg(guest.smp.to_string());
    command.arg("-m").arg(format!("{}M", guest.memory / MIB));
    command.arg("-kernel").arg(&kernel.path);
    command.args([
        "-initrd",
        &format!("/proc/self/fd/{}", initramfs.as_raw_fd()),
    ]);
    let arguments = guest.options.arguments();
    command.args(["-append", &command_line(huge, Guest::PROGRAM, &arguments)]);
    for (name, socket) in [("log", &log_there), ("records", &records_there)] {
        let fd = socket.as_raw_fd();
        command.args(["-chardev", &format!("socket,id={name},fd={fd}")]);
        command.args(["-serial", &format!("chardev:{name}")]);
    }
    command.args(guest.qemu_arguments);
    let inherited = vec![
        initramfs.as_raw_fd(),
        records_there.as_raw_fd(),
        log_there.as_raw_fd(),
    ];
    let child = qemu::spawn(command, inherited)?;
    drop((records_there, log_there));
    let (records, log) = (collect(records, usize::MAX), collect(log, KEPT));
    let (mut said, problem) = wait(child, guest.timeout)?;
    let records = records.join().unwrap_or_default();
    said.extend(log.join().unwrap_or_default());
    Ok(Run::new(
        &records,
        problem,
        String::from_utf8_lossy(&said).into_owned(),
    ))
}

/// Waits for the machine's end, or ends it; what QEMU said, and what went wrong.
fn wait(mut child: Child, limit: Duration) -> Result<(Vec<u8>, Option<String>)> {
    let begin = Instant::now();
    let problem = loop {
        match child.try_wait()? {
            Some(status) if status.success() => break None,
            Some(status) => break Some(format!("QEMU ended ({status})")),
            None if begin.elapsed() < limit => std::thread::sleep(Duration::from_millis(20)),
            None => {
                child.kill()?;
                child.wait()?;
                let seconds = limit.as_secs_f64();
                break Some(format!("the machine did not end within {seconds} s"));
            }
        }
    };
    let mut said = Vec::new();
    if let Some(mut stderr) = child.stderr.take() {
        stderr.read_to_end(&mut said)?;
    }
    Ok((said, problem))
}

/// Reads to the end, and keeps the last bytes.
fn collect(mut socket: UnixStream, most: usize) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        let mut piece = vec![0; 1 << 16];
        while let Ok(count @ 1..) = socket.read(&mut piece) {
            kept.extend_from_slice(&piece[..count]);
            let surplus = kept.len().saturating_sub(most);
            kept.drain(..surplus);
        }
        kept
    })
}

/// The program, and the devices that it needs, in a file without a name.
fn initramfs(program: &Path) -> Result<File> {
    let mut tree = Tree::default();
    tree.add_file(program, Guest::PROGRAM.as_bytes())?;
    for (path, numbers) in DEVICES {
        tree.add_device(path.as_bytes(), numbers)?;
    }
    let file = rustix::fs::memfd_create("initramfs.cpio", MemfdFlags::CLOEXEC)
        .context("no memory for the initramfs")?;
    let file = File::from(file);
    let mut out = BufWriter::new(&file);
    tree.archive()?
        .write_to(&mut out)
        .and_then(|()| out.flush())?;
    drop(out);
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_pages_are_told_to_the_kernel() {
        let words = ["--quick".to_owned(), "brk".to_owned()];
        let line = command_line(Huge::Never, "/bin/bench", &words);
        assert!(
            line.ends_with(" transparent_hugepage=never rdinit=/bin/bench -- --quick brk"),
            "{line}"
        );
        assert!(!command_line(Huge::Default, "/bin/bench", &words).contains("hugepage"));
        // Linux's own command line holds so much (COMMAND_LINE_SIZE of x86).
        let all = braid_bench::options::Options::default().arguments();
        assert!(command_line(Huge::Never, "/bin/bench", &all).len() < 2048);
    }
}
