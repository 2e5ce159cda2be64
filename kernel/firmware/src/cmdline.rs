//! The kernel command line: words separated by spaces; everything after `--` is for the first program.
//!
//! Values that may hold spaces or other bytes (`env`, `cwd` and the program's arguments) are percent-encoded; an empty
//! argument is written `%e`. Later words win over earlier ones.

use crate::disk::SwapDisks;
use core::fmt;

/// How memory and cores are divided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tori {
    /// By NUMA node or last-level cache.
    #[default]
    Auto,
    /// Into this many.
    Count(usize),
}

/// What the log shows at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Level {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

/// Where the first program's descriptors 0, 1 and 2 lead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Console {
    /// The consoles that also show the log.
    #[default]
    Log,
    /// The framed port COM2.
    Com2,
}

/// The words of a command line that this kernel knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommandLine<'a> {
    /// `tori=N|auto`
    pub tori: Tori,
    /// `init=PATH`: the first program.
    pub init: Option<Encoded<'a>>,
    /// `swap=DISK,..`: a disk for each torus.
    pub swap: SwapDisks<'a>,
    /// `log=error|warn|info|debug|trace`
    pub log: Level,
    /// `console=com2`
    pub console: Console,
    /// `tty=DIGITS`: which of the descriptors 0, 1 and 2 are terminals.
    pub tty: Option<[bool; 3]>,
    /// `winsize=ROWSxCOLUMNS`
    pub winsize: Option<(u16, u16)>,
    /// `debug-exit=PORT`: QEMU's isa-debug-exit device.
    pub debug_exit: Option<u16>,
    /// `cwd=PATH`: where the first program starts.
    pub cwd: Option<Encoded<'a>>,
    /// `user=UID[:GID]`: user and group of the first program; the group is the user's number unless it is named.
    pub user: Option<(u32, u32)>,
    /// `every-torus`: the first program runs on every torus, and the machine ends with the last of them.
    pub every_torus: bool,
    /// `braid=auto`: idle tori take over processes of busy ones.
    pub balance: bool,
    /// `stats`: show the counters at the end.
    pub stats: bool,
    /// `norandmaps`: programs always lie at the same addresses.
    pub norandmaps: bool,
    /// `verify`: check the page roots of the boot archive's files.
    pub verify: bool,
    /// `fail-allocations`: tests may have allocations fail.
    pub fail_allocations: bool,
    /// `cores=N`: use no more cores than this.
    pub cores: Option<usize>,
    /// `x2apic=off`: leave the local APICs in xAPIC mode where that is possible.
    pub no_x2apic: bool,
    /// `linger=SECONDS`: let the screen be read so long before the machine is powered off.
    pub linger: u32,
    /// `patience=SECONDS`: how long the end of the machine waits for processes before the log says for which; 10 unless it is named.
    pub patience: Option<u32>,
    /// The whole line, which also holds [`Self::environment`] and [`Self::arguments`].
    line: &'a str,
}

/// What is wrong with one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WordError<'a> {
    /// No such word.
    Unknown(&'a str),
    /// The word exists, its value does not make sense.
    Value(&'a str),
}

impl fmt::Display for WordError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(word) => write!(f, "unknown word `{word}` on the kernel command line"),
            Self::Value(word) => write!(f, "`{word}` on the kernel command line has no such value"),
        }
    }
}

impl<'a> CommandLine<'a> {
    /// Reads a line; `complain` is told of each word that is not understood, which then counts for nothing.
    pub fn parse(line: &'a str, mut complain: impl FnMut(WordError<'a>)) -> Self {
        let mut parsed = Self {
            line,
            ..Self::default()
        };
        for word in kernel_words(line) {
            if let Err(error) = parsed.word(word) {
                complain(error);
            }
        }
        parsed
    }

    fn word(&mut self, word: &'a str) -> Result<(), WordError<'a>> {
        let (key, value) = word
            .split_once('=')
            .map_or((word, None), |(k, v)| (k, Some(v)));
        let Some(value) = value else {
            return match key {
                "every-torus" => {
                    self.every_torus = true;
                    Ok(())
                }
                "norandmaps" => {
                    self.norandmaps = true;
                    Ok(())
                }
                "verify" => {
                    self.verify = true;
                    Ok(())
                }
                "fail-allocations" => {
                    self.fail_allocations = true;
                    Ok(())
                }
                "stats" => {
                    self.stats = true;
                    Ok(())
                }
                _ => Err(WordError::Unknown(word)),
            };
        };
        let bad = WordError::Value(word);
        match key {
            "braid" if value == "auto" => self.balance = true,
            "braid" => return Err(bad),
            "tori" => self.tori = tori(value).ok_or(bad)?,
            "init" => self.init = Some(Encoded(value)),
            "swap" => self.swap = SwapDisks::parse(value).ok_or(bad)?,
            "log" => self.log = level(value).ok_or(bad)?,
            "console" => {
                self.console = if value == "com2" {
                    Console::Com2
                } else {
                    return Err(bad);
                }
            }
            "tty" => self.tty = Some(terminals(value).ok_or(bad)?),
            "winsize" => self.winsize = Some(window(value).ok_or(bad)?),
            "debug-exit" => self.debug_exit = Some(port(value).ok_or(bad)?),
            "cwd" => self.cwd = Some(Encoded(value)),
            "user" => self.user = Some(user(value).ok_or(bad)?),
            "cores" => self.cores = Some(value.parse().ok().filter(|&n| n > 0).ok_or(bad)?),
            "x2apic" if value == "off" => self.no_x2apic = true,
            "x2apic" => return Err(bad),
            "linger" => self.linger = value.parse().map_err(|_| bad)?,
            "patience" => self.patience = Some(value.parse().map_err(|_| bad)?),
            "env" => {}
            _ => return Err(WordError::Unknown(word)),
        }
        Ok(())
    }

    /// The whole line.
    pub fn line(&self) -> &'a str {
        self.line
    }

    /// The values of the `env=` words: `KEY=VALUE`, in order.
    pub fn environment(&self) -> impl Iterator<Item = Encoded<'a>> + use<'a> {
        kernel_words(self.line).filter_map(|word| word.strip_prefix("env=").map(Encoded))
    }

    /// The words after `--`: the first program's arguments, its own name first. `None` without `--`.
    pub fn arguments(&self) -> Option<impl Iterator<Item = Encoded<'a>> + use<'a>> {
        let mut words = self.line.split_ascii_whitespace();
        words.by_ref().find(|&word| word == "--")?;
        Some(words.map(Encoded))
    }
}

fn kernel_words(line: &str) -> impl Iterator<Item = &str> {
    line.split_ascii_whitespace()
        .take_while(|&word| word != "--")
}

fn tori(value: &str) -> Option<Tori> {
    match value {
        "auto" => Some(Tori::Auto),
        _ => value.parse().ok().map(Tori::Count),
    }
}

fn level(value: &str) -> Option<Level> {
    Some(match value {
        "error" => Level::Error,
        "warn" => Level::Warn,
        "info" => Level::Info,
        "debug" => Level::Debug,
        "trace" => Level::Trace,
        _ => return None,
    })
}

fn terminals(value: &str) -> Option<[bool; 3]> {
    let mut tty = [false; 3];
    for digit in value.bytes() {
        *tty.get_mut(digit.checked_sub(b'0')? as usize)? = true;
    }
    Some(tty)
}

fn window(value: &str) -> Option<(u16, u16)> {
    let (rows, columns) = value.split_once('x')?;
    Some((rows.parse().ok()?, columns.parse().ok()?))
}

/// A user and a group; the last number of each kind means "none".
fn user(value: &str) -> Option<(u32, u32)> {
    let (user, group) = value.split_once(':').unwrap_or((value, value));
    let id = |text: &str| text.parse().ok().filter(|&id| id != u32::MAX);
    Some((id(user)?, id(group)?))
}

fn port(value: &str) -> Option<u16> {
    let digits = value.strip_prefix("0x")?;
    u16::from_str_radix(digits, 16).ok()
}

/// A percent-encoded value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoded<'a>(&'a str);

impl<'a> Encoded<'a> {
    /// Its bytes, decoded. A `%` that no two hexadecimal digits follow stands for itself; `%e` alone is nothing.
    pub fn bytes(self) -> impl Iterator<Item = u8> + use<'a> {
        let mut rest = if self.0 == "%e" {
            &[][..]
        } else {
            self.0.as_bytes()
        };
        core::iter::from_fn(move || {
            let (&first, after) = rest.split_first()?;
            rest = after;
            if first == b'%'
                && let [high, low, after @ ..] = after
                && let (Some(high), Some(low)) = (digit(*high), digit(*low))
            {
                rest = after;
                return Some(high << 4 | low);
            }
            Some(first)
        })
    }
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn clean(line: &str) -> CommandLine<'_> {
        CommandLine::parse(line, |error| panic!("{error}"))
    }

    #[test]
    fn every_word_is_understood() {
        let line = clean(
            "tori=3 init=/bin/a%20b swap=vda log=debug console=com2 tty=02 winsize=24x80 debug-exit=0xf4 cwd=/tmp stats verify fail-allocations user=1000:7 cores=2 x2apic=off linger=9 patience=3 env=A=1 env=B%3D2",
        );
        assert_eq!(line.tori, Tori::Count(3));
        assert_eq!(line.init.unwrap().bytes().collect::<Vec<_>>(), b"/bin/a b");
        assert_eq!((line.swap.len(), line.swap.name(0)), (1, Some("vda")));
        assert_eq!(line.log, Level::Debug);
        assert_eq!(line.console, Console::Com2);
        assert_eq!(line.tty, Some([true, false, true]));
        assert_eq!(line.winsize, Some((24, 80)));
        assert_eq!(line.debug_exit, Some(0xf4));
        assert!(line.stats && line.verify && line.fail_allocations && line.no_x2apic);
        assert_eq!(line.user, Some((1000, 7)));
        assert_eq!(clean("user=5").user, Some((5, 5)));
        assert_eq!((line.cores, line.linger), (Some(2), 9));
        assert_eq!(line.patience, Some(3));
        let env: Vec<Vec<u8>> = line.environment().map(|e| e.bytes().collect()).collect();
        assert_eq!(env, [b"A=1", b"B=2"]);
        assert!(line.arguments().is_none());
    }

    #[test]
    fn later_words_win() {
        assert_eq!(clean("tori=2 tori=auto").tori, Tori::Auto);
    }

    #[test]
    fn arguments_are_not_words_of_the_kernel() {
        let line = clean("tori=1 -- sh -c tori=9 %e 100%");
        assert_eq!(line.tori, Tori::Count(1));
        let arguments: Vec<Vec<u8>> = line
            .arguments()
            .unwrap()
            .map(|a| a.bytes().collect())
            .collect();
        assert_eq!(arguments, [&b"sh"[..], b"-c", b"tori=9", b"", b"100%"]);
    }

    #[test]
    fn bad_words_are_named_and_count_for_nothing() {
        let mut told = Vec::new();
        let line = CommandLine::parse(
            "tori=x quux log=loud tty=3 debug-exit=f4 cores=0 x2apic=on swap=disk user=root user=1: user=4294967295",
            |e| told.push(e),
        );
        assert_eq!(
            told,
            [
                WordError::Value("tori=x"),
                WordError::Unknown("quux"),
                WordError::Value("log=loud"),
                WordError::Value("tty=3"),
                WordError::Value("debug-exit=f4"),
                WordError::Value("cores=0"),
                WordError::Value("x2apic=on"),
                WordError::Value("swap=disk"),
                WordError::Value("user=root"),
                WordError::Value("user=1:"),
                WordError::Value("user=4294967295"),
            ]
        );
        assert_eq!(line.tori, Tori::Auto);
    }

    proptest! {
        #[test]
        fn no_line_is_too_much(line in ".*") {
            let parsed = CommandLine::parse(&line, |_| {});
            let _ = parsed.arguments().map(|a| a.flat_map(Encoded::bytes).count());
        }

        #[test]
        fn encoding_comes_back(bytes in proptest::collection::vec(any::<u8>(), 0..20)) {
            use std::fmt::Write;
            let mut text = std::string::String::new();
            for byte in &bytes {
                write!(text, "%{byte:02x}").unwrap();
            }
            prop_assert_eq!(Encoded(&text).bytes().collect::<Vec<_>>(), bytes);
        }
    }
}
