//! `#!` lines: a script is executed by the interpreter that its first line names (execve(2), "Interpreter scripts").

/// Bytes at the start of a file that are looked at (BINPRM_BUF_SIZE); a shorter file is followed by NULs.
pub const START: usize = 256;
/// How many files may follow each other, each the interpreter of the one before.
pub const DEPTH: usize = 5;

/// What a first line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The path of the interpreter. It is empty where the file ends: the working directory, which is no program.
    pub interpreter: &'a [u8],
    /// The rest of the line; it is empty where the file ends in blanks.
    pub argument: Option<&'a [u8]>,
}

/// Whether a file is a script.
#[must_use]
pub fn is_script(start: &[u8; START]) -> bool {
    start.starts_with(b"#!")
}

/// The line of a script; None when it names no interpreter, or one whose end is not within the bytes (ENOEXEC). An argument
/// may be cut short: interpreters can read the file themselves.
#[must_use]
pub fn parse(start: &[u8; START]) -> Option<Line<'_>> {
    let end = trimmed(start, line_end(start)?);
    let name = find(start, 2, end, |byte| !is_blank(byte))?;
    if name == end {
        return None;
    }
    let stop = find(start, name, end, is_end);
    let interpreter = &start[name..stop.unwrap_or(end)];
    let argument = stop
        .filter(|&stop| start[stop] != 0)
        .and_then(|stop| find(start, stop, end, |byte| !is_blank(byte)))
        .map(|from| until_nul(&start[from..end]));
    Some(Line {
        interpreter,
        argument,
    })
}

/// Where the line ends: at its newline, which no NUL precedes, or where the bytes do.
fn line_end(start: &[u8; START]) -> Option<usize> {
    const LAST: usize = START - 1;
    let stop = start.iter().position(|&byte| byte == b'\n' || byte == 0);
    if let Some(newline) = stop.filter(|&stop| start[stop] == b'\n') {
        return Some(newline);
    }
    let name = find(start, 2, LAST, |byte| !is_blank(byte))?;
    find(start, name, LAST, is_end)?;
    Some(LAST)
}

/// `end` without the blanks before it.
fn trimmed(start: &[u8; START], mut end: usize) -> usize {
    while is_blank(start[end - 1]) {
        end -= 1;
    }
    end
}

/// The first place from `from` to `last`, which is included, that is as wanted.
fn find(start: &[u8; START], from: usize, last: usize, is: fn(u8) -> bool) -> Option<usize> {
    (from..=last).find(|&at| is(start[at]))
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

const fn is_end(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | 0)
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|&byte| byte == 0).next().unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::{START, parse};
    use std::format;
    use std::prelude::rust_2024::*;

    fn start(text: &[u8]) -> [u8; START] {
        let mut start = [0; START];
        let n = text.len().min(START);
        start[..n].copy_from_slice(&text[..n]);
        start
    }

    /// Interpreter and argument of a file that begins so.
    fn line(text: &[u8]) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
        let start = start(text);
        let line = parse(&start)?;
        Some((line.interpreter.to_vec(), line.argument.map(<[u8]>::to_vec)))
    }

    fn plain(interpreter: &str, argument: Option<&str>) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
        Some((interpreter.into(), argument.map(Into::into)))
    }

    #[test]
    fn lines() {
        assert_eq!(line(b"#!/i\nrest"), plain("/i", None));
        assert_eq!(line(b"#! \t/i  -x  y z \t\n"), plain("/i", Some("-x  y z")));
        assert_eq!(line(b"#!/i\r\n"), plain("/i\r", None));
        assert_eq!(line(b"#!\n"), None);
        assert_eq!(line(b"#!  \n"), None);
    }

    #[test]
    fn files_that_end_before_the_line_does() {
        assert_eq!(line(b"#!/i"), plain("/i", None));
        assert_eq!(line(b"#!/i a b"), plain("/i", Some("a b")));
        assert_eq!(line(b"#!/i "), plain("/i", Some("")));
        assert_eq!(line(b"#!"), plain("", None));
        assert_eq!(line(b"#!/i\0 x\n"), plain("/i", None));
        assert_eq!(line(b"#!/i a\0b\n"), plain("/i", Some("a")));
    }

    #[test]
    fn interpreters_of_every_length() {
        for len in 1..300 {
            let name = "q".repeat(len);
            let with_newline = line(format!("#!{name}\n").as_bytes());
            assert_eq!(with_newline.is_some(), len <= 253, "{len}");
            let blank = line(format!("#!{name} arg").as_bytes());
            assert_eq!(blank.is_some(), len <= 253, "{len}");
            let ends = line(format!("#!{name}").as_bytes());
            assert_eq!(ends.is_some(), len <= 253, "{len}");
        }
    }

    #[test]
    fn arguments_are_cut_short() {
        let text = [b"#!/i ", "a".repeat(400).as_bytes()].concat();
        assert_eq!(line(&text), plain("/i", Some(&"a".repeat(250))));
        let blanks = [b' '; START];
        assert_eq!(line(&[b"#!", &blanks[..]].concat()), None);
    }
}
