//! A 16550 serial port at its ISA address (data sheet: National Semiconductor PC16550D).

use crate::port;
use spin::relax::RelaxStrategy;
use sync::Relax;

/// Bytes that the transmitter takes at once when it is empty.
pub const FIFO: usize = 16;
/// Polls of the line status before a port that does not drain is given up for this call.
const PATIENCE: u32 = 1_000_000;

const INTERRUPT_ENABLE: u16 = 1;
const FIFO_CONTROL: u16 = 2;
const LINE_CONTROL: u16 = 3;
const MODEM_CONTROL: u16 = 4;
const LINE_STATUS: u16 = 5;
const SCRATCH: u16 = 7;

const DATA_READY: u8 = 1;
const TRANSMITTER_EMPTY: u8 = 1 << 5;
/// Nothing is in the transmitter, and nothing in its shift register.
const IDLE: u8 = 1 << 6;

/// The log's port.
// SAFETY: K2, COM1 has had this address since the PC, and only the log uses it.
pub const COM1: Uart = unsafe { Uart::new(0x3f8) };
/// The port of what programs write, where a tool reads it.
// SAFETY: K2, COM2's address, which only the program console uses.
pub const COM2: Uart = unsafe { Uart::new(0x2f8) };

/// A serial port.
#[derive(Clone, Copy, Debug)]
pub struct Uart {
    base: u16,
}

impl Uart {
    /// The port at I/O address `base`.
    ///
    /// # Safety
    /// Nothing but a serial port answers there, and nobody else uses it.
    pub const unsafe fn new(base: u16) -> Self {
        Self { base }
    }

    fn read(self, register: u16) -> u8 {
        // SAFETY: K2, by the promise given to `new`.
        unsafe { port::read_u8(self.base + register) }
    }

    fn write(self, register: u16, value: u8) {
        // SAFETY: K2, by the promise given to `new`.
        unsafe { port::write_u8(self.base + register, value) }
    }

    /// Sets 115200 baud, 8N1, FIFOs on, interrupts off. False when there is no such port.
    pub fn start(self) -> bool {
        self.write(SCRATCH, 0x5a);
        if self.read(SCRATCH) != 0x5a {
            return false;
        }
        self.write(INTERRUPT_ENABLE, 0);
        self.write(LINE_CONTROL, 0x80);
        self.write(0, 1);
        self.write(1, 0);
        self.write(LINE_CONTROL, 0x03);
        // Interrupt at 14 bytes, or when no more come: QEMU hands over no more at once than make it interrupt.
        self.write(FIFO_CONTROL, 0xc7);
        // DTR, RTS, and OUT2, which lets interrupts through.
        self.write(MODEM_CONTROL, 0x0b);
        true
    }

    /// Has the port interrupt when bytes arrive.
    pub fn interrupt_on_input(self) {
        self.write(INTERRUPT_ENABLE, 1);
    }

    /// Sends `bytes`; gives the rest up when the port does not drain.
    pub fn send(self, bytes: &[u8]) {
        for part in bytes.chunks(FIFO) {
            if !(0..PATIENCE).any(|_| self.is(TRANSMITTER_EMPTY)) {
                return;
            }
            self.fill(part);
        }
    }

    /// Sends `bytes` to somebody who takes them all, however late.
    pub fn deliver(self, bytes: &[u8]) {
        for part in bytes.chunks(FIFO) {
            while !self.is(TRANSMITTER_EMPTY) {
                Relax::relax();
            }
            self.fill(part);
        }
    }

    /// Waits until everything has left the port, which loses the rest when the machine loses its power; gives up when
    /// the port does not drain.
    pub fn drain(self) {
        let _ = (0..PATIENCE).any(|_| self.is(IDLE));
    }

    /// Waits until everything has been taken, however late.
    pub fn finish(self) {
        while !self.is(IDLE) {
            core::hint::spin_loop();
        }
    }

    fn is(self, state: u8) -> bool {
        self.read(LINE_STATUS) & state != 0
    }

    /// Whether the transmitter is empty: it takes [`FIFO`] bytes at once.
    pub fn takes(self) -> bool {
        self.is(TRANSMITTER_EMPTY)
    }

    /// Writes no more than the transmitter takes when it is empty.
    pub fn fill(self, part: &[u8]) {
        // SAFETY: K2, as for `write`.
        unsafe { port::write_bytes(self.base, part) };
    }

    /// The next byte that has arrived.
    pub fn receive(self) -> Option<u8> {
        (self.read(LINE_STATUS) & DATA_READY != 0).then(|| self.read(0))
    }
}
