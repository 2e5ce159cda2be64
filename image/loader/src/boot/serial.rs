//! Messages on COM1.

use core::fmt::{self, Write};
use uart_16550::{BaudRate, Config, Uart16550, backend::PioBackend, spec::registers::LSR};

/// How often the transmitter is asked before its silence is taken for absence.
const PATIENCE: u32 = 100_000;

/// Sets 115200 baud, 8 data bits, no parity, FIFO on, no interrupts.
pub(super) fn prepare() {
    let Some(mut port) = com1() else { return };
    // The driver waits for the transmitter without an end.
    if (0..PATIENCE).any(|_| port.lsr().contains(LSR::TRANSMITTER_EMPTY)) {
        let config = Config {
            baud_rate: BaudRate::Baud115200,
            ..Config::DEFAULT
        };
        // Without a port nobody reads what is sent to it.
        let _ = port.init(config);
    }
}

fn com1() -> Option<Uart16550<PioBackend>> {
    // SAFETY: L5, COM1 has had this address since the PC, and its registers have no effect on the loader's memory.
    unsafe { Uart16550::new_port(0x3f8) }.ok()
}

struct Com1(Uart16550<PioBackend>);

impl Write for Com1 {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for part in text.split_inclusive('\n') {
            match part.strip_suffix('\n') {
                Some(line) => {
                    self.send(line.as_bytes());
                    self.send(b"\r\n");
                }
                None => self.send(part.as_bytes()),
            }
        }
        Ok(())
    }
}

impl Com1 {
    /// Sends the bytes, and gives the rest up when the port does not drain.
    fn send(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let mut tries = (0..PATIENCE).map(|_| self.0.send_bytes(bytes));
            let Some(sent) = tries.find(|&sent| sent > 0) else {
                return;
            };
            bytes = &bytes[sent..];
        }
    }
}

/// Writes one line, with the loader's name before it.
pub(super) fn line(text: fmt::Arguments<'_>) {
    if let Some(port) = com1() {
        // Writing to the port cannot fail.
        let _ = writeln!(Com1(port), "braid-loader: {text}");
    }
}
