//! The program console: where descriptors 0, 1 and 2 of the first program lead. It is the framed port COM2 when the command line says
//! so (`docs/console.md`), so that log and output never mix, else the log's own port.

mod frame;

use crate::per_core;
use braid_firmware::cmdline::Console;
use frame::{Assembler, In, Out};
use machine::console::uart::{COM1, COM2};
use machine::console::{is_heard, listen, write_plain};
use machine::{boot, cpu, power};
use spin::mutex::SpinMutex;
use sync::Relax;

/// ISA interrupts of the ports.
const COM1_IRQ: u8 = 4;
const COM2_IRQ: u8 = 3;
/// Bytes that are taken in before interrupts are let in.
const AT_ONCE: u32 = 64;

/// Which output a program writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Descriptor 1.
    Stdout,
    /// Descriptor 2.
    Stderr,
}

static SENDER: SpinMutex<(), Relax> = SpinMutex::new(());
static RECEIVER: SpinMutex<Assembler, Relax> = SpinMutex::new(Assembler::new());

/// Opens the port that the command line names; answers the ISA interrupt that its input raises.
pub fn start() -> u8 {
    if boot::info().command_line.console == Console::Com2 {
        if COM2.start() {
            listen();
            COM2.interrupt_on_input();
            return COM2_IRQ;
        }
        log::warn!("console=com2, but there is no such port: programs write to the log's console");
    }
    COM1.interrupt_on_input();
    COM1_IRQ
}

/// Sends what a program wrote.
pub fn write(output: Output, bytes: &[u8]) {
    if !is_heard() {
        return write_plain(bytes);
    }
    let kind = match output {
        Output::Stdout => Out::Stdout,
        Output::Stderr => Out::Stderr,
    };
    let _whole = SENDER.lock();
    for part in bytes.chunks(frame::MAX_OUT) {
        COM2.deliver(&frame::head(kind, part.len()));
        COM2.deliver(part);
    }
}

/// Tells the tool that input can be taken: what is sent before meets a port that is not set up.
pub fn ready() {
    if is_heard() {
        let _whole = SENDER.lock();
        COM2.deliver(&frame::head(Out::Ready, 0));
    }
}

/// Ends the machine after the first program has ended with this wait status, as wait4(2) gives it, and tells the tool.
pub fn exit(status: u32) -> ! {
    if is_heard() {
        let _whole = SENDER.lock();
        COM2.deliver(&frame::head(Out::Exit, 4));
        COM2.deliver(&status.to_le_bytes());
    }
    power::end()
}

/// The port's interrupt, which may come between the pieces of an operation that holds locks: it only notes.
pub fn note_input() {
    per_core::own().input.set(true);
    cpu::request_resched();
}

/// Takes in what this core has been interrupted for, if messages about it find room; whether it has. The core holds no lock.
#[inline]
pub fn take_in() -> bool {
    let input = &per_core::own().input;
    let takes = input.get() && !tori::rings::is_choked();
    if takes {
        input.set(false);
        receive();
    }
    takes
}

/// Takes in what has arrived and effects it to the terminal, while that has room; the port keeps the rest. Called after every
/// interrupt of the port, and by those who wait for input. What comes faster is for the next time.
#[inline(never)]
pub fn receive() {
    let mut assembler = RECEIVER.lock();
    for _ in 0..AT_ONCE {
        if !receive_byte(&mut assembler) {
            return;
        }
    }
    note_input();
}

/// Takes a byte in; false: there is none, or no room for it.
fn receive_byte(assembler: &mut Assembler) -> bool {
    if !is_heard() {
        let byte = COM1.receive();
        byte.into_iter()
            .for_each(|byte| crate::file::tty::input(&[byte]));
        return byte.is_some();
    }
    if assembler.is_empty() && !crate::file::tty::has_room() {
        return false;
    }
    let Some(byte) = COM2.receive() else {
        return false;
    };
    assembler.push(byte, |frame| match frame {
        In::Bytes(bytes) => crate::file::tty::input(bytes),
        In::End => crate::file::tty::end_of_input(),
        In::Window { rows, columns } => crate::file::tty::resize(rows, columns),
    });
    true
}
