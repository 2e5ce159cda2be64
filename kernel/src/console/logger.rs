//! The log: one line a record, on COM1 and on the screen.

use super::uart::Uart;
use super::{program, screen};
use crate::arch::{Relax, cpu, time};
use braid_firmware::cmdline::Level;
use core::fmt::{self, Write};
use core::sync::atomic::{AtomicBool, Ordering};
use log::{LevelFilter, Log, Metadata, Record};
use spin::mutex::SpinMutex;

// SAFETY: K2, COM1 has had this address since the PC, and only the log uses it.
pub(super) const COM1: Uart = unsafe { Uart::new(0x3f8) };

/// Where the kernel's own records come from.
const OWN: &str = "braid_kernel";

/// Whether COM1 exists.
static PRESENT: AtomicBool = AtomicBool::new(false);
/// Keeps lines whole.
static LINE: SpinMutex<(), Relax> = SpinMutex::new(());

struct Logger;

static LOGGER: Logger = Logger;

/// Starts the log with level `info`.
pub fn start() {
    PRESENT.store(COM1.start(), Ordering::Relaxed);
    // It only fails when there is a logger already, which then is this one.
    let _ = log::set_logger(&LOGGER);
    log::set_max_level(LevelFilter::Info);
}

/// Shows records up to `level`.
pub fn set_level(level: Level) {
    log::set_max_level(match level {
        Level::Error => LevelFilter::Error,
        Level::Warn => LevelFilter::Warn,
        Level::Info => LevelFilter::Info,
        Level::Debug => LevelFilter::Debug,
        Level::Trace => LevelFilter::Trace,
    });
}

/// Writes bytes that are no record: what programs write when there is no port of their own.
pub fn write_plain(bytes: &[u8]) {
    let _line = LINE.lock();
    send(bytes);
}

/// Writes a line that is no record: what a panic says, whatever the level is.
pub fn emergency(text: fmt::Arguments<'_>) {
    let _line = LINE.lock();
    let mut line = Line::new();
    // A line can't fail: it sends what does not fit.
    let _ = writeln!(line, "{text}");
    line.flush();
    screen::show();
}

/// Frees the log for a core that stops the machine: whoever held it does not run any more.
///
/// # Safety
/// All other cores have stopped, or are about to without touching the log again.
pub unsafe fn break_lock() {
    // SAFETY: K12, by the caller's promise.
    unsafe {
        LINE.force_unlock();
        screen::break_lock();
    }
}

/// Waits until the ports have sent everything, and shows it: the machine is about to end.
pub fn drain() {
    program::drain();
    if PRESENT.load(Ordering::Relaxed) {
        if program::is_framed() {
            COM1.finish();
        } else {
            COM1.drain();
        }
    }
    screen::show();
}

fn send(bytes: &[u8]) {
    if PRESENT.load(Ordering::Relaxed) {
        if program::is_framed() {
            COM1.deliver(bytes);
        } else {
            COM1.send(bytes);
        }
    }
    screen::write(bytes);
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // What drivers from elsewhere say of themselves is for who looks closely.
        let own = metadata.target().starts_with(OWN);
        let most = log::max_level();
        metadata.level() <= most && (own || most >= LevelFilter::Debug)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let micros = time::now().0 / 1000;
        let target = record
            .target()
            .trim_start_matches(OWN)
            .trim_start_matches("::");
        let _line = LINE.lock();
        let mut line = Line::new();
        // A line can't fail: it sends what does not fit.
        let _ = write!(line, "[{}.{:06} ", micros / 1_000_000, micros % 1_000_000);
        let _ = match cpu::place() {
            Some((torus, core)) => write!(line, "{torus}/{core}"),
            None => write!(line, "boot"),
        };
        let _ = writeln!(line, " {} {target}] {}", record.level(), record.args());
        line.flush();
    }

    fn flush(&self) {}
}

/// Gathers a line, so that the port sees few and long writes.
struct Line {
    bytes: [u8; 128],
    len: usize,
}

impl Line {
    const fn new() -> Self {
        Self {
            bytes: [0; 128],
            len: 0,
        }
    }

    fn flush(&mut self) {
        send(&self.bytes[..self.len]);
        self.len = 0;
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for &byte in text.as_bytes() {
            if self.len == self.bytes.len() {
                self.flush();
            }
            self.bytes[self.len] = byte;
            self.len += 1;
        }
        Ok(())
    }
}
