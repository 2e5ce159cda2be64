//! The terminal: one for the machine, on the program console. When descriptor 0 is not a terminal, the same input is a plain stream.
//!
//! Input arrives in interrupts ([`input`]); the line discipline turns it into lines, echo and signals. Readers wait on the queue of
//! their own torus.

pub mod file;
pub mod ioctl;

use super::caller::Caller;
use super::facts::{self, Nanos};
use super::io::Transfer;
use super::local::{local, wake_console};
use crate::console::{self, Output};
use crate::process::Pid;
use crate::signal;
use crate::syscall::call::{Stop, SysResult};
use crate::syscall::errno::Errno;
use alloc::sync::Arc;
use braid_files::line::{Key, Line, Termios};
use braid_signals::Signal;
use core::sync::atomic::{AtomicBool, Ordering};
use crossbeam_utils::CachePadded;
use heapless::Deque;
use machine::boot;
use sync::Lock;
use sync::Waiter;

/// Bytes of plain input that are kept for a reader; more stay in the port.
const PLAIN: usize = 16384;
/// The most bytes that one call of [`input`] brings.
const BURST: usize = 4096;

/// Everything about the console's input, behind one lock. It allocates nothing.
struct Console {
    line: Line,
    plain: Deque<u8, PLAIN>,
    rows: u16,
    columns: u16,
    /// The process group that may use it; None: nobody's, until a session has it.
    foreground: Option<Pid>,
    /// The session whose controlling terminal it is.
    session: Option<Pid>,
}

static CONSOLE: Lock<Console> = Lock::new(Console {
    line: Line::new(),
    plain: Deque::new(),
    rows: 24,
    columns: 80,
    foreground: Some(Pid::INIT),
    session: Some(Pid::INIT),
});

/// The console will not send any more. Written once, so that whoever only polls shares no line that changes.
#[used] // Or the optimizer takes the padding away.
static ENDED: CachePadded<AtomicBool> = CachePadded::new(AtomicBool::new(false));

/// Which of descriptors 0, 1 and 2 of the first program are terminals. Written once, at boot.
static TERMINALS: [AtomicBool; 3] = [const { AtomicBool::new(true) }; 3];

/// Takes the command line's word on terminals and their size. Called once, at boot.
pub fn init() {
    let words = &boot::info().command_line;
    for (fd, terminal) in TERMINALS.iter().enumerate() {
        let on = words
            .tty
            .map_or(!machine::console::is_heard(), |tty| tty[fd]);
        terminal.store(on, Ordering::Relaxed);
    }
    if let Some((rows, columns)) = words.winsize {
        let mut console = CONSOLE.lock();
        (console.rows, console.columns) = (rows, columns);
    }
}

/// Whether descriptor 0, 1 or 2 of the first program is a terminal.
pub fn is_terminal(fd: usize) -> bool {
    TERMINALS
        .get(fd)
        .is_some_and(|terminal| terminal.load(Ordering::Relaxed))
}

/// Where what is written to a terminal descriptor of the first program, or to `/dev/tty` (0), appears.
pub fn shown_on(fd: usize) -> Output {
    if fd == 2 || (!is_terminal(1) && is_terminal(2)) {
        Output::Stderr
    } else {
        Output::Stdout
    }
}

/// Bytes of input that [`input`] can take now; as long as it is below [`BURST`] the port keeps them.
pub fn has_room() -> bool {
    is_terminal(0) || PLAIN - CONSOLE.lock().plain.len() >= BURST
}

/// Bytes from the console, at most [`BURST`] of them, when there [`has_room`].
pub fn input(bytes: &[u8]) {
    let mut console = CONSOLE.lock();
    if !is_terminal(0) {
        for &byte in bytes {
            // Room was promised; a console that sends more than that loses it, as a serial line does.
            let _ = console.plain.push_back(byte);
        }
        drop(console);
        return wake_console();
    }
    let mut signals = [None; 8];
    let mut count = 0;
    let mut echo = Gather::new(shown_on(0));
    for &byte in bytes {
        let key = console.line.input(byte, &mut |shown| echo.show(shown));
        if let (Some(key), Some(slot)) = (key, signals.get_mut(count)) {
            *slot = Some(key);
            count += 1;
        }
    }
    echo.flush();
    let foreground = console.foreground;
    drop(console);
    for key in signals.into_iter().flatten() {
        tell(foreground, signal_of(key));
    }
    wake_console();
}

/// The console will not send any more.
pub fn end_of_input() {
    ENDED.store(true, Ordering::Release);
    wake_console();
}

/// The terminal has a new size: the foreground group learns of it.
pub fn resize(rows: u16, columns: u16) {
    let mut console = CONSOLE.lock();
    let changed = (console.rows, console.columns) != (rows, columns);
    (console.rows, console.columns) = (rows, columns);
    let foreground = console.foreground;
    drop(console);
    if changed {
        tell(foreground, Signal::WINCH);
    }
}

/// Sends a signal to the group that the terminal has in the foreground, if it has one.
fn tell(foreground: Option<Pid>, signal: Signal) {
    if let Some(group) = foreground {
        signal::send_group(group, signal);
    }
}

fn signal_of(key: Key) -> Signal {
    match key {
        Key::Interrupt => Signal::INT,
        Key::Quit => Signal::QUIT,
        Key::Suspend => Signal::TSTP,
    }
}

/// Takes in what the port still holds, now that there is room for it.
fn refill() {
    if has_room() {
        console::receive();
    }
}

/// Reads from the terminal: a line, or what there is (termios(3)).
pub fn read(caller: &dyn Caller, io: &mut Transfer, wait: bool) -> SysResult {
    refill();
    if io.left() == 0 {
        return Ok(io.done());
    }
    background(caller, Signal::TTIN)?;
    let mut console = CONSOLE.lock();
    if !console.line.is_readable() && io.done() == 0 {
        if has_ended() {
            return Ok(0);
        }
        if !wait {
            return Err(Errno::EAGAIN.into());
        }
        if expired(console.line.termios(), io) {
            return Ok(0);
        }
        local().console.add(caller.waiter());
        return Err(Stop::Block);
    }
    let mut block = [0; 512];
    loop {
        let wanted = io.left().min(block.len());
        let mut front = console.line.front(&mut block[..wanted]);
        let ends = front.eof || front.bytes < wanted || block[..front.bytes].last() == Some(&b'\n');
        match io.put(&block[..front.bytes]) {
            Ok(n) => {
                front.eof &= n == front.bytes;
                front.bytes = n;
                console.line.consume(front);
                if ends || io.left() == 0 {
                    return Ok(io.done());
                }
            }
            Err(stop) => return io.stopped(stop).map(|()| io.done()),
        }
    }
}

/// Whether a read with VMIN 0 has waited for VTIME; sets the time on its first run.
fn expired(termios: &Termios, io: &mut Transfer) -> bool {
    let tenths = u64::from(termios.cc[Termios::VTIME]);
    if termios.lflag & Termios::ICANON != 0 || termios.cc[Termios::VMIN] > 0 || tenths == 0 {
        return false;
    }
    let now = facts::now();
    let deadline = io.deadline_or(now + Nanos::from_millis(100) * tenths);
    now >= deadline
}

/// Reads from the console as a plain stream.
pub fn read_plain(caller: &dyn Caller, io: &mut Transfer, wait: bool) -> SysResult {
    refill();
    let mut console = CONSOLE.lock();
    if io.left() == 0 {
        return Ok(io.done());
    }
    if console.plain.is_empty() && io.done() == 0 {
        if has_ended() {
            return Ok(0);
        }
        if !wait {
            return Err(Errno::EAGAIN.into());
        }
        local().console.add(caller.waiter());
        return Err(Stop::Block);
    }
    while io.left() > 0 && !console.plain.is_empty() {
        let result = io.put(console.plain.as_slices().0);
        match result {
            Ok(n) => (0..n).for_each(|_| {
                console.plain.pop_front();
            }),
            Err(stop) => return io.stopped(stop).map(|()| io.done()),
        }
    }
    Ok(io.done())
}

/// Writes to the terminal, by its output modes.
pub fn write(caller: &dyn Caller, io: &mut Transfer, output: Output) -> SysResult {
    if CONSOLE.lock().line.termios().lflag & Termios::TOSTOP != 0 {
        background(caller, Signal::TTOU)?;
    }
    let mut block = [0; 512];
    while io.left() > 0 {
        let console = CONSOLE.lock();
        if console.line.is_stopped() {
            local().console.add(caller.waiter());
            return Err(Stop::Block);
        }
        match io.take(&mut block) {
            Ok(n) => {
                let mut gather = Gather::new(output);
                console
                    .line
                    .output(&block[..n], &mut |shown| gather.show(shown));
                gather.flush();
            }
            Err(stop) => return io.stopped(stop).map(|()| io.done()),
        }
        drop(console);
        io.pause()?;
    }
    Ok(io.done())
}

/// Writes to the console as a plain stream.
pub fn write_plain(io: &mut Transfer, output: Output) -> SysResult {
    let mut block = [0; 2048];
    while io.left() > 0 {
        match io.take(&mut block) {
            Ok(n) => console::write(output, &block[..n]),
            Err(stop) => return io.stopped(stop).map(|()| io.done()),
        }
        io.pause()?;
    }
    Ok(io.done())
}

/// Whether a read would not wait; tells the waiter of changes.
pub fn is_readable(waiter: Option<&Arc<dyn Waiter>>) -> bool {
    refill();
    let console = CONSOLE.lock();
    if let Some(waiter) = waiter {
        local().console.add(waiter.clone());
    }
    let ready = if is_terminal(0) {
        console.line.has_input()
    } else {
        !console.plain.is_empty()
    };
    ready || has_ended()
}

/// Whether the console's input has ended.
pub fn has_ended() -> bool {
    ENDED.load(Ordering::Acquire)
}

/// Bytes that a read would get at once.
pub fn available() -> usize {
    let console = CONSOLE.lock();
    if is_terminal(0) {
        console.line.available()
    } else {
        console.plain.len()
    }
}

/// Whether it is the controlling terminal of somebody's session: others have no `/dev/tty`, whatever they may open.
pub fn controls(caller: &dyn Caller) -> bool {
    is_of(CONSOLE.lock().session, caller.who().session)
}

/// Whether a session or group is the one of this number.
fn is_of(own: Option<Pid>, number: i32) -> bool {
    own.is_some_and(|own| own.raw() == number)
}

/// Job control: a background group of the terminal's session may not use it, and is told by a signal. EIO when a reader would not
/// hear it.
fn background(caller: &dyn Caller, signal: Signal) -> Result<(), Stop> {
    let who = caller.who();
    let console = CONSOLE.lock();
    if is_of(console.foreground, who.group) || !is_of(console.session, who.session) {
        return Ok(());
    }
    drop(console);
    match signal {
        Signal::TTIN if who.deaf_to_input => Err(Errno::EIO.into()),
        Signal::TTOU if who.deaf_to_output => Ok(()),
        signal => Err(caller.signal_group(signal)),
    }
}

/// Collects what is shown, so that it leaves in few pieces.
struct Gather {
    output: Output,
    bytes: heapless::Vec<u8, 1024>,
}

impl Gather {
    fn new(output: Output) -> Self {
        Self {
            output,
            bytes: heapless::Vec::new(),
        }
    }

    fn show(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(512) {
            if self.bytes.extend_from_slice(part).is_err() {
                self.flush();
                // It is empty now: half of its capacity fits.
                drop(self.bytes.extend_from_slice(part));
            }
        }
    }

    fn flush(&mut self) {
        if !self.bytes.is_empty() {
            console::write(self.output, &self.bytes);
            self.bytes.clear();
        }
    }
}
