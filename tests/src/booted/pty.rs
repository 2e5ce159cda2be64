//! The tool on a pseudo-terminal, as an interactive user sees it.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::pty::OpenptFlags;
use rustix::termios::{Termios, Winsize};

/// A process on a terminal of its own.
#[derive(Debug)]
pub struct Session {
    /// The process, leader of its session.
    pub child: Child,
    master: File,
    slave: File,
    bytes: Receiver<Vec<u8>>,
    seen: String,
}

impl Session {
    /// Starts `command` on a new terminal of 24 rows and 80 columns.
    ///
    /// # Panics
    /// The host has no terminals left.
    #[must_use]
    pub fn start(mut command: Command) -> Session {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = rustix::pty::openpt(flags).expect("a pseudo-terminal");
        rustix::pty::grantpt(&master).expect("grantpt");
        rustix::pty::unlockpt(&master).expect("unlockpt");
        let name = rustix::pty::ptsname(&master, Vec::new()).expect("ptsname");
        let path = std::ffi::OsStr::from_bytes(name.as_bytes());
        let slave = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .expect("its other end");
        let end = || slave.try_clone().expect("a descriptor");
        command.stdin(end()).stdout(end()).stderr(end());
        let prepare = || {
            rustix::process::setsid()?;
            rustix::process::ioctl_tiocsctty(std::io::stdin())?;
            Ok(())
        };
        // SAFETY: B1: between fork and exec, `prepare` makes system calls only.
        unsafe { command.pre_exec(prepare) };
        let child = command.spawn().expect("the tool starts");
        let master = File::from(master);
        let (sender, bytes) = channel();
        let mut reader = master.try_clone().expect("a descriptor");
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        let session = Session {
            child,
            master,
            slave,
            bytes,
            seen: String::new(),
        };
        session.resize(24, 80);
        session
    }

    /// Types.
    ///
    /// # Panics
    /// The terminal has gone.
    pub fn type_in(&mut self, text: &str) {
        self.master
            .write_all(text.as_bytes())
            .expect("the terminal takes input");
    }

    /// Waits until `text` appears after what was waited for before, and answers with what came up to it.
    ///
    /// # Panics
    /// It does not appear within a minute.
    pub fn wait_for(&mut self, text: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(at) = self.seen.find(text) {
                let rest = self.seen.split_off(at + text.len());
                return std::mem::replace(&mut self.seen, rest);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.bytes.recv_timeout(left) {
                Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(_) => panic!("waited for {text:?}, saw {:?}", self.seen),
            }
        }
    }

    /// Changes the terminal's size.
    ///
    /// # Panics
    /// The terminal has gone.
    pub fn resize(&self, rows: u16, columns: u16) {
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        rustix::termios::tcsetwinsize(self.master.as_fd(), size).expect("the terminal has a size");
    }

    /// The terminal's settings.
    ///
    /// # Panics
    /// The terminal has gone.
    #[must_use]
    pub fn settings(&self) -> Termios {
        rustix::termios::tcgetattr(&self.slave).expect("the terminal has settings")
    }

    /// Waits for the process, and answers with its exit status, 128 + signal when it was killed.
    ///
    /// # Panics
    /// It does not end within a minute.
    pub fn end(&mut self) -> i32 {
        let deadline = Instant::now() + Duration::from_secs(60);
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                return super::boot::tool_status(status);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        panic!("it did not end; saw {:?}", self.seen);
    }
}
