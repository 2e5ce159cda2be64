//! QEMU's debugger stub, as far as tests need it (GDB's remote serial protocol).

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long the machine may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// RIP's number among the registers.
const RIP: u32 = 16;

/// A machine that was started with `-S -gdb unix:SOCKET,server=on,wait=off`.
#[derive(Debug)]
pub struct Stub {
    stream: UnixStream,
}

impl Stub {
    /// Connects to the machine, when it is there.
    ///
    /// # Panics
    /// It does not come.
    #[must_use]
    pub fn connect(socket: &Path) -> Stub {
        let start = Instant::now();
        loop {
            match UnixStream::connect(socket) {
                Ok(stream) => {
                    let set = stream.set_read_timeout(Some(PATIENCE));
                    set.expect("a socket has a time-out");
                    return Stub { stream };
                }
                Err(error) if start.elapsed() > PATIENCE => panic!("no debugger stub: {error}"),
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    /// Lets the machine run until a core is about to execute `address`.
    pub fn run_until(&mut self, address: u64) {
        self.ask(&format!("Z1,{address:x},1"), "OK");
        self.ask("c", "T05");
        self.ask(&format!("z1,{address:x},1"), "OK");
    }

    /// Makes a core, counted from 0, go on at `address`.
    pub fn send_to(&mut self, core: u32, address: u64) {
        // QEMU writes single registers for those only who have asked what registers there are.
        self.ask("qXfer:features:read:target.xml:0,ffb", "l");
        self.ask(&format!("Hg{:x}", core + 1), "OK");
        let value: String = address
            .to_le_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        self.ask(&format!("P{RIP:x}={value}"), "OK");
    }

    /// Lets the machine run and leaves it.
    pub fn detach(mut self) {
        self.ask("D", "OK");
    }

    /// Sends a packet, and checks how the answer begins.
    fn ask(&mut self, packet: &str, expected: &str) {
        let sum = packet.bytes().fold(0_u8, u8::wrapping_add);
        write!(self.stream, "${packet}#{sum:02x}").expect("the stub listens");
        let answer = self.packet();
        assert!(answer.starts_with(expected), "{packet}: {answer}");
    }

    fn packet(&mut self) -> String {
        let mut text = Vec::new();
        while self.byte() != b'$' {}
        loop {
            match self.byte() {
                b'#' => break,
                byte => text.push(byte),
            }
        }
        // The sum: the socket loses nothing.
        self.byte();
        self.byte();
        self.stream.write_all(b"+").expect("the stub listens");
        String::from_utf8_lossy(&text).into_owned()
    }

    fn byte(&mut self) -> u8 {
        let mut byte = [0];
        self.stream.read_exact(&mut byte).expect("the stub answers");
        byte[0]
    }
}
