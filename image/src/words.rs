//! Words of the kernel's command line.
//!
//! A word holds no space. Values that a user chooses (arguments, environment, paths) are percent-encoded; an empty
//! argument is `%e`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Encodes one value so that it has no space, and nothing else that a boot loader could take as its own.
#[must_use]
pub fn encode(value: &OsStr) -> String {
    let bytes = value.as_bytes();
    if bytes.is_empty() {
        return "%e".to_owned();
    }
    let mut word = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"_./:,+@-".contains(&byte) {
            word.push(char::from(byte));
        } else {
            word.push_str(&format!("%{byte:02X}"));
        }
    }
    word
}

/// A command line under construction.
#[derive(Clone, Debug, Default)]
pub struct Words(Vec<String>);

impl Words {
    /// Adds a word that needs no encoding.
    pub fn plain(&mut self, word: impl Into<String>) {
        self.0.push(word.into());
    }

    /// Adds `name=value` with the value encoded.
    pub fn value(&mut self, name: &str, value: &OsStr) {
        self.0.push(format!("{name}={}", encode(value)));
    }

    /// Ends the options: what follows are the arguments of the first program.
    pub fn arguments<'a>(&mut self, arguments: impl IntoIterator<Item = &'a OsStr>) {
        self.0.push("--".to_owned());
        self.0.extend(arguments.into_iter().map(encode));
    }

    /// The command line.
    #[must_use]
    pub fn line(&self) -> String {
        self.0.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_no_spaces() {
        assert_eq!(encode(OsStr::new("a b=c%\n")), "a%20b%3Dc%25%0A");
        assert_eq!(encode(OsStr::new("")), "%e");
        assert_eq!(encode(OsStr::from_bytes(&[0xc3, 0xa9])), "%C3%A9");
    }

    #[test]
    fn a_line_is_made_of_words() {
        let mut words = Words::default();
        words.plain("tori=2");
        words.value("env", OsStr::new("A=b c"));
        words.arguments([OsStr::new("sh"), OsStr::new("-c"), OsStr::new("echo $x")]);
        assert_eq!(words.line(), "tori=2 env=A%3Db%20c -- sh -c echo%20%24x");
    }
}
