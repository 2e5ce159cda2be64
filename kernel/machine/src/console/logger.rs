//! The log: one line a record, on COM1 and on the screen.

use super::backlog::{Backlog, Refused};
use super::screen;
use super::uart::{COM1, COM2, FIFO};
use crate::time::Nanos;
use crate::{cpu, time};
use braid_firmware::cmdline::Level;
use core::fmt::{self, Write};
use core::sync::atomic::{AtomicBool, Ordering};
use log::{LevelFilter, Log, Metadata, Record};
use spin::mutex::SpinMutex;
use sync::Relax;
use torus::TorusId;

/// Drivers from elsewhere: what they say of themselves is for somebody who looks closely.
const FOREIGN: [&str; 1] = ["virtio_drivers"];
/// What the records of the kernel's own modules begin with.
const KERNEL: &str = "braid_kernel::";

/// A tool reads both ports: see [`listen`].
static HEARD: AtomicBool = AtomicBool::new(false);
/// Whether COM1 exists.
static PRESENT: AtomicBool = AtomicBool::new(false);
/// The port, and whose line is on its way there: that torus alone goes on, so that lines stay whole.
static PORT: SpinMutex<Option<TorusId>, Relax> = SpinMutex::new(None);
/// After how long a core that sleeps looks whether the port takes more: as long as it takes to send what it holds.
const PERIOD: Nanos = Nanos::new(1_000_000);
/// Bytes that are sent at a time by a core that has something else to do.
const SOME: usize = 256;

struct Logger;

static LOGGER: Logger = Logger;

/// Starts the log with level `info`.
pub fn start() {
    PRESENT.store(COM1.start(), Ordering::Relaxed);
    // It only fails when there is a logger already, which then is this one.
    let _ = log::set_logger(&LOGGER);
    log::set_max_level(LevelFilter::Info);
}

/// A tool reads both ports from now on, and takes all that is sent: when it is late the sender waits, and nothing is given up.
pub fn listen() {
    HEARD.store(true, Ordering::Relaxed);
}

/// Whether a tool reads both ports.
pub fn is_heard() -> bool {
    HEARD.load(Ordering::Relaxed)
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
    let mut port = PORT.lock();
    end_line(&mut port);
    send(bytes);
}

/// Writes a line that is no record: what a panic says, whatever the level is.
pub fn emergency(text: fmt::Arguments<'_>) {
    let mut port = PORT.lock();
    end_line(&mut port);
    let mut line = Line::new();
    // A line can't fail: it sends what does not fit.
    let _ = writeln!(line, "{text}");
    line.flush();
    screen::show();
}

/// Breaks off a line of which a torus has sent a part: another line follows, and the rest of this one comes later.
fn end_line(port: &mut Option<TorusId>) {
    if port.take().is_some() {
        send(b"\n");
    }
}

/// Sends of what waits on this torus as much as the port takes without waiting: all of it from a core that idles, else some.
/// Answers whether more waits.
pub fn pump(idles: bool) -> bool {
    let own = cpu::this();
    let (Some(torus), Some(backlog)) = (own.torus, own.log) else {
        return false;
    };
    if backlog.is_empty() {
        return false;
    }
    let Some(mut port) = PORT.try_lock() else {
        return true;
    };
    let mut left = if idles { usize::MAX } else { SOME };
    while port.is_none_or(|whose| whose == torus) && left > 0 && COM1.takes() {
        let mut bytes = [0; FIFO];
        let count = backlog.take(&mut bytes);
        let bytes = &bytes[..count];
        *port = (count > 0 && bytes.last() != Some(&b'\n')).then_some(torus);
        if count == 0 {
            break;
        }
        COM1.fill(bytes);
        screen::write(bytes);
        left = left.saturating_sub(count);
    }
    drop(port);
    let lost = backlog.take_lost();
    if lost > 0 {
        log::warn!("{lost} lines found no room in the log");
    }
    !backlog.is_empty()
}

/// When a core that sleeps looks again: nobody interrupts when the port has sent something.
pub fn deadline() -> Option<Nanos> {
    let waits = cpu::this().log.is_some_and(|log| !log.is_empty());
    waits.then(|| time::now() + PERIOD)
}

/// What waits, of all tori.
fn backlogs() -> impl Iterator<Item = &'static Backlog> {
    let first = cpu::all().filter(|cpu| cpu.core_in_torus == 0);
    first.filter_map(|cpu| cpu.log)
}

/// Sends all that waits, however long it takes.
fn send_backlog(backlog: &Backlog) {
    let mut port = PORT.lock();
    let mut bytes = [0; 128];
    loop {
        let count = backlog.take(&mut bytes);
        if count == 0 {
            break;
        }
        send(&bytes[..count]);
    }
    *port = None;
}

/// Frees the log for a core that stops the machine: whoever held it does not run any more.
///
/// # Safety
/// All other cores have stopped, or are about to without touching the log again.
pub unsafe fn break_lock() {
    // SAFETY: K12, by the caller's promise.
    unsafe {
        PORT.force_unlock();
        screen::break_lock();
        backlogs().for_each(|backlog| backlog.break_lock());
    }
    // What was logged before comes first.
    backlogs().for_each(send_backlog);
}

/// Waits until the ports have sent everything, and shows it: the machine is about to end.
pub fn drain() {
    backlogs().for_each(send_backlog);
    if PRESENT.load(Ordering::Relaxed) {
        if is_heard() {
            COM2.finish();
            COM1.finish();
        } else {
            COM1.drain();
        }
    }
    screen::show();
}

fn send(bytes: &[u8]) {
    if PRESENT.load(Ordering::Relaxed) {
        if is_heard() {
            COM1.deliver(bytes);
        } else {
            COM1.send(bytes);
        }
    }
    screen::write(bytes);
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let foreign = FOREIGN
            .iter()
            .any(|name| metadata.target().starts_with(name));
        let most = log::max_level();
        metadata.level() <= most && (!foreign || most >= LevelFilter::Debug)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let micros = time::now().get() / 1000;
        let target = record.target();
        let target = target.strip_prefix(KERNEL).unwrap_or(target);
        let format = |line: &mut dyn Write| {
            write!(line, "[{}.{:06} ", micros / 1_000_000, micros % 1_000_000)?;
            match cpu::place() {
                Some((torus, core)) => write!(line, "{torus}/{core}")?,
                None => write!(line, "boot")?,
            }
            writeln!(line, " {} {target}] {}", record.level(), record.args())
        };
        if let Some(backlog) = cpu::try_this().and_then(|cpu| cpu.log) {
            match backlog.add(record.level(), format) {
                Ok(()) | Err(Refused::Lost) => return,
                Err(Refused::Now) => send_backlog(backlog),
            }
        }
        let mut port = PORT.lock();
        end_line(&mut port);
        let mut line = Line::new();
        // A line can't fail: it sends what does not fit.
        let _ = format(&mut line);
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
