//! The serial ports at their ISA addresses.

use spin::relax::RelaxStrategy;
use sync::Relax;
use uart_16550::backend::PioBackend;
use uart_16550::spec::registers::{IER, LSR};
use uart_16550::{BaudRate, Config, Uart16550};

/// Bytes that the transmitter takes at once when it is empty.
pub const FIFO: usize = uart_16550::spec::FIFO_SIZE;
/// Polls of the line status before a port that does not drain is given up for this call.
const PATIENCE: u32 = 1_000_000;

/// The log's port.
// SAFETY: K2, COM1 has had this address since the PC, and only the log uses it.
pub const COM1: Uart = unsafe { Uart::new(0x3f8) };
/// The port of what programs write, where a tool reads it.
// SAFETY: K2, COM2's address, which only the program console uses.
pub const COM2: Uart = unsafe { Uart::new(0x2f8) };

/// A serial port. Its methods take a driver of their own: what the driver remembers between two calls are line errors, which
/// nobody asks for.
#[derive(Debug)]
pub struct Uart(Uart16550<PioBackend>);

impl Uart {
    /// The port at I/O address `base`.
    ///
    /// # Safety
    /// Nothing but a serial port answers there, and nobody else uses it.
    ///
    /// # Panics
    /// For an address at the end of the ports, where the compiler says so.
    const unsafe fn new(base: u16) -> Self {
        // SAFETY: K2, by the caller's promise.
        match unsafe { Uart16550::new_port(base) } {
            Ok(port) => Self(port),
            Err(_) => panic!("a serial port has eight registers"),
        }
    }

    /// Sets 115200 baud, 8N1, FIFOs on, interrupts off. False when there is no such port, or it does not drain.
    pub fn start(mut self) -> bool {
        // The driver waits for the transmitter without an end.
        self.drains() && {
            // It interrupts at 14 bytes, or when no more come: QEMU hands over no more at once than make it interrupt.
            let config = Config {
                baud_rate: BaudRate::Baud115200,
                ..Config::DEFAULT
            };
            self.0.init(config).is_ok()
        }
    }

    /// Has the port interrupt when bytes arrive.
    pub fn interrupt_on_input(mut self) {
        self.0.enable_interrupts(IER::DATA_READY);
    }

    /// Sends `bytes`; gives the rest up when the port does not drain.
    pub fn send(mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let mut tries = (0..PATIENCE).map(|_| self.0.send_bytes(bytes));
            let Some(sent) = tries.find(|&sent| sent > 0) else {
                return;
            };
            bytes = &bytes[sent..];
        }
    }

    /// Sends `bytes` to somebody who takes them all, however late.
    pub fn deliver(mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match self.0.send_bytes(bytes) {
                0 => Relax::relax(),
                sent => bytes = &bytes[sent..],
            }
        }
    }

    /// Waits until everything has left the port, which loses the rest when the machine loses its power; gives up when
    /// the port does not drain.
    pub fn drain(mut self) {
        self.drains();
    }

    /// Waits until everything has been taken, however late.
    pub fn finish(mut self) {
        while !self.is_idle() {
            core::hint::spin_loop();
        }
    }

    fn drains(&mut self) -> bool {
        (0..PATIENCE).any(|_| self.is_idle())
    }

    /// Whether nothing is in the transmitter, and nothing in its shift register.
    fn is_idle(&mut self) -> bool {
        self.0.lsr().contains(LSR::TRANSMITTER_EMPTY)
    }

    /// Whether the transmitter is empty: it takes [`FIFO`] bytes at once.
    pub fn takes(mut self) -> bool {
        self.0.ready_to_send().is_ok()
    }

    /// Writes no more than the transmitter takes when it is empty.
    pub fn fill(mut self, part: &[u8]) {
        self.0.send_bytes(part);
    }

    /// The next byte that has arrived.
    pub fn receive(mut self) -> Option<u8> {
        self.0.try_receive_byte().ok()
    }
}
