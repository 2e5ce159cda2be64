//! A machine with a screen and a monitor (QEMU's HMP), to be watched while it runs.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::picture::Picture;
use super::tool;

/// How long a machine may take to show or say something.
const PATIENCE: Duration = Duration::from_secs(60);

/// The tool with a running machine.
#[derive(Debug)]
pub struct Watched {
    child: Child,
    lines: Receiver<String>,
    /// Lines of the log that have come so far.
    pub log: Vec<String>,
    directory: tempfile::TempDir,
}

impl Watched {
    /// Runs `braid WORDS..` with a screen and a monitor. The kernel's log is taken from stderr, or if `plain` from stdout.
    ///
    /// # Panics
    /// The tool cannot be run.
    #[must_use]
    pub fn start(words: &[&str], more: &[&str], plain: bool) -> Watched {
        let directory = tempfile::tempdir().expect("a directory");
        let socket = directory.path().join("monitor");
        let qemu = format!(
            "-vga std -monitor unix:{},server=on,wait=off",
            socket.display()
        );
        let words = words.iter().copied();
        let options = ["--timeout", "120", "--qemu", &qemu];
        let words = words.chain(options).chain(more.iter().copied());
        let mut child = tool::braid(words).spawn().expect("the tool runs");
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (stdout, stderr) = stdout.zip(stderr).expect("outputs are piped");
        let (log, mut other): (Box<dyn Read + Send>, Box<dyn Read + Send>) = if plain {
            (Box::new(stdout), Box::new(stderr))
        } else {
            (Box::new(stderr), Box::new(stdout))
        };
        // A closed output would end the tool.
        std::thread::spawn(move || std::io::copy(&mut other, &mut std::io::sink()));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(log);
            let mut line = Vec::new();
            while let Ok(1..) = reader.read_until(b'\n', &mut line) {
                let text = String::from_utf8_lossy(&line);
                let text = text.trim_end_matches(['\r', '\n']).to_owned();
                line.clear();
                if sender.send(text).is_err() {
                    break;
                }
            }
        });
        Watched {
            child,
            lines,
            log: Vec::new(),
            directory,
        }
    }

    /// Takes log lines until one has this text.
    ///
    /// # Panics
    /// None comes.
    pub fn wait_for(&mut self, text: &str) {
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
                panic!("waited for {text:?}: {:#?}", self.log);
            };
            let found = line.contains(text);
            self.log.push(line);
            if found {
                return;
            }
        }
    }

    /// Takes what the log has said meanwhile, and gives it as a whole.
    pub fn log_so_far(&mut self) -> Vec<&str> {
        self.log.extend(self.lines.try_iter());
        self.log.iter().map(String::as_str).collect()
    }

    /// Tells the monitor something, waits until it has done it, and answers with what it says.
    ///
    /// # Panics
    /// There is no monitor.
    pub fn tell(&self, command: &str) -> String {
        let mut monitor = UnixStream::connect(self.directory.path().join("monitor"))
            .expect("the machine has a monitor");
        let wait = |monitor: &mut UnixStream| {
            let mut said = Vec::new();
            let mut byte = [0];
            while !said.ends_with(b"(qemu) ") && matches!(monitor.read(&mut byte), Ok(1)) {
                said.push(byte[0]);
            }
            String::from_utf8_lossy(&said).into_owned()
        };
        wait(&mut monitor);
        writeln!(monitor, "{command}").expect("the monitor listens");
        wait(&mut monitor)
    }

    /// Looks at the screen until its text satisfies `good`; answers with its rows.
    ///
    /// # Panics
    /// It never does.
    pub fn see(&mut self, good: impl Fn(&[String], &[&str]) -> bool) -> Vec<String> {
        let start = Instant::now();
        let file: PathBuf = self.directory.path().join("screen.ppm");
        loop {
            self.tell(&format!("screendump {}", file.display()));
            let bytes = std::fs::read(&file).unwrap_or_default();
            let rows = Picture::read(&bytes).and_then(|picture| picture.rows());
            let log = self.log_so_far();
            match rows {
                Some(rows) if good(&rows, &log) => return rows,
                rows if start.elapsed() > PATIENCE => {
                    panic!("the screen shows {rows:#?}, the log says {log:#?}")
                }
                _ => std::thread::sleep(Duration::from_millis(100)),
            }
        }
    }

    /// Pulls the plug.
    pub fn end(mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
