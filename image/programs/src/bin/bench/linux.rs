//! What only the first process of a Linux machine does, and what the program asks of either kernel about itself.

use std::ffi::CStr;
use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::fd::AsRawFd;

use braid_bench::record::Record;

/// The second serial port: the first one has the kernel's log.
const PORT: &str = "/dev/ttyS1";

/// Whether this is the first process of a Linux machine.
pub(crate) fn is_first_process() -> bool {
    std::process::id() == 1 && braid_programs::torus_info(None).is_err()
}

/// Takes the second serial port for standard output.
pub(crate) fn begin() -> io::Result<()> {
    let port = OpenOptions::new().read(true).write(true).open(PORT)?;
    answer(
        // SAFETY: G2, both descriptors are ours.
        unsafe { libc::dup2(port.as_raw_fd(), libc::STDOUT_FILENO) },
    )
}

/// Waits until everything is written, and ends the machine.
pub(crate) fn end_machine() {
    // SAFETY: G2. Errors leave a machine that the tool ends.
    unsafe {
        libc::tcdrain(libc::STDOUT_FILENO);
        libc::reboot(libc::RB_AUTOBOOT);
    }
}

/// The kernel's name and release.
pub(crate) fn uname() -> io::Result<(String, String)> {
    // SAFETY: G1, arrays of bytes may be zero.
    let mut names: libc::utsname = unsafe { std::mem::zeroed() };
    // SAFETY: G1, `names` is writable for the call.
    answer(unsafe { libc::uname(&raw mut names) })?;
    let text = |field: &[libc::c_char]| {
        let bytes: Vec<u8> = field.iter().map(|&byte| byte as u8).collect();
        let text = CStr::from_bytes_until_nul(&bytes).unwrap_or_default();
        text.to_string_lossy().replace(' ', "-")
    };
    Ok((text(&names.sysname), text(&names.release)))
}

/// Prints the functions of the kernel.
pub(crate) fn print_symbols() -> io::Result<()> {
    std::fs::create_dir_all("/proc")?;
    let proc = c"proc".as_ptr();
    // SAFETY: G1, the strings end with a zero byte.
    let mounted = unsafe { libc::mount(proc, c"/proc".as_ptr(), proc, 0, std::ptr::null()) };
    answer(mounted)?;
    let symbols = BufReader::new(std::fs::File::open("/proc/kallsyms")?);
    let mut out = BufWriter::new(io::stdout().lock());
    for line in symbols.lines() {
        let line = line?;
        let mut words = line.split_whitespace();
        if let (Some(address), Some("t" | "T" | "w" | "W"), Some(name)) =
            (words.next(), words.next(), words.next())
            && let Ok(address) = u64::from_str_radix(address, 16)
        {
            let name = name.to_owned();
            writeln!(out, "{}", Record::Symbol { address, name })?;
        }
    }
    out.flush()
}

fn answer(result: libc::c_int) -> io::Result<()> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
