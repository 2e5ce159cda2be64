//! Zstandard as its own command line runs it: `zstd [-d] [-LEVEL] [-q] [-c] [-o OUTPUT] [FILE]`, else from standard input
//! and to standard output.

use std::fs::File;
use std::io::{Read, Write};
use std::process::ExitCode;

const DEFAULT_LEVEL: i32 = 3;

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("zstd: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut words: impl Iterator<Item = String>) -> Result<(), Box<dyn std::error::Error>> {
    let mut input: Box<dyn Read> = Box::new(std::io::stdin().lock());
    let mut output: Box<dyn Write> = Box::new(std::io::stdout().lock());
    let (mut level, mut decompress) = (DEFAULT_LEVEL, false);
    while let Some(word) = words.next() {
        match word.strip_prefix('-') {
            None => input = Box::new(File::open(word)?),
            Some("q" | "c") => {}
            Some("d") => decompress = true,
            Some("o") => output = Box::new(File::create(words.next().ok_or("-o wants a file")?)?),
            Some(number) => level = number.parse().map_err(|_| format!("unknown {word}"))?,
        }
    }
    if decompress {
        zstd::stream::copy_decode(input, &mut output)?;
    } else {
        zstd::stream::copy_encode(input, &mut output, level)?;
    }
    Ok(output.flush()?)
}
