//! Names for the kernel addresses of a panic's backtrace.

use std::path::Path;

use addr2line::Loader;

/// Looks addresses up in the kernel's ELF.
pub struct Symbols {
    loader: Option<Loader>,
}

impl std::fmt::Debug for Symbols {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Symbols")
            .field("loaded", &self.loader.is_some())
            .finish()
    }
}

impl Symbols {
    /// Reads the symbols of `kernel`; without readable ones every look-up finds nothing.
    #[must_use]
    pub fn of(kernel: &Path) -> Symbols {
        Symbols {
            loader: Loader::new(kernel).ok(),
        }
    }

    /// `line` with function, file and line behind the address, when it is a line of a backtrace (`  at 0xADDRESS`).
    #[must_use]
    pub fn annotate(&self, line: &str) -> String {
        match address(line).and_then(|address| self.describe(address)) {
            Some(place) => format!("{} {place}", line.trim_end()),
            None => line.to_owned(),
        }
    }

    /// The function whose code is at `address`.
    #[must_use]
    pub fn function(&self, address: u64) -> Option<String> {
        symbol(self.loader.as_ref()?, address)
    }

    /// Functions at a return address, as [`Symbols::place`] tells them.
    fn describe(&self, address: u64) -> Option<String> {
        self.place(address.checked_sub(1)?)
    }

    /// Functions at an address, innermost first, with file and line.
    #[must_use]
    pub fn place(&self, address: u64) -> Option<String> {
        let loader = self.loader.as_ref()?;
        let mut frames = loader.find_frames(address).ok()?;
        let mut places = Vec::new();
        while let Ok(Some(frame)) = frames.next() {
            let name = frame
                .function
                .as_ref()
                .and_then(|function| function.demangle().ok().map(std::borrow::Cow::into_owned));
            let name = name
                .or_else(|| symbol(loader, address))
                .unwrap_or_else(|| "?".to_owned());
            let place = frame.location.and_then(|location| {
                Some(format!(" ({}:{})", short(location.file?), location.line?))
            });
            places.push(name + &place.unwrap_or_default());
        }
        if places.is_empty() {
            places.extend(symbol(loader, address));
        }
        (!places.is_empty()).then(|| places.join(" in "))
    }
}

fn symbol(loader: &Loader, address: u64) -> Option<String> {
    let name = loader.find_symbol(address)?;
    Some(addr2line::demangle_auto(name.into(), None).into_owned())
}

/// A source path without what lies above the crate's sources.
fn short(file: &str) -> &str {
    let start = ["/kernel/", "/vm/src/", "/torus/src/", "/image/loader/src/"]
        .iter()
        .find_map(|part| file.rfind(part));
    start.map_or(file, |at| &file[at + 1..])
}

fn address(line: &str) -> Option<u64> {
    let digits = line.strip_prefix("  at 0x")?;
    let end = digits
        .find(|c: char| !c.is_ascii_hexdigit())
        .unwrap_or(digits.len());
    u64::from_str_radix(&digits[..end], 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_backtrace_lines_have_addresses() {
        assert_eq!(
            address("  at 0xffffffff80001234"),
            Some(0xffff_ffff_8000_1234)
        );
        assert_eq!(address("  at 0x10 (user)"), Some(0x10));
        assert_eq!(address("[1.0] at 0x10"), None);
        assert_eq!(address("  at 0x"), None);
    }

    #[test]
    fn places_are_shortened() {
        let file = "/home/x/braid/kernel/src/main.rs";
        assert_eq!(short(file), "kernel/src/main.rs");
        let file = "/home/x/braid/kernel/machine/src/panic.rs";
        assert_eq!(short(file), "kernel/machine/src/panic.rs");
        assert_eq!(
            short("/rustc/0/core/src/fmt.rs"),
            "/rustc/0/core/src/fmt.rs"
        );
    }

    #[test]
    fn without_symbols_lines_stay_as_they_are() {
        let symbols = Symbols::of(Path::new("/no/such"));
        assert_eq!(symbols.annotate("  at 0x1000"), "  at 0x1000");
    }
}
