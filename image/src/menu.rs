//! Edits the boot menu, `limine.cfg`: what a machine or an image says differently from the checkout's file.

/// The menu with `line` as the whole command line of its first entry, the one that boots by itself.
#[must_use]
pub fn with_line(menu: &str, line: &str) -> String {
    let mut entries = 0;
    let mut edited = String::with_capacity(menu.len() + line.len() + 16);
    for text in menu.lines() {
        if is_entry(text) {
            entries += 1;
        }
        if entries == 1 && command_line(text).is_some() {
            continue;
        }
        edited.push_str(text);
        edited.push('\n');
        if entries == 1 && is_entry(text) {
            edited.push_str(&format!("    cmdline: {line}\n"));
        }
    }
    edited
}

/// The menu with `words` at the end of every entry's options for the kernel: later words win over earlier ones.
#[must_use]
pub fn with_words(menu: &str, words: &str) -> String {
    map_lines(menu, |text| {
        let (key, line) = command_line(text)?;
        let (options, arguments) = match line.split_once(" -- ") {
            Some((options, arguments)) => (options, format!(" -- {arguments}")),
            None => (line, String::new()),
        };
        Some(format!("{key}: {options} {words}{arguments}"))
    })
}

/// The menu with another time, in seconds, until its first entry is booted.
#[must_use]
pub fn with_timeout(menu: &str, seconds: u32) -> String {
    map_lines(menu, |text| {
        text.starts_with("timeout:")
            .then(|| format!("timeout: {seconds}"))
    })
}

fn map_lines(menu: &str, edit: impl Fn(&str) -> Option<String>) -> String {
    let mut edited = String::with_capacity(menu.len());
    for text in menu.lines() {
        edited.push_str(&edit(text).unwrap_or_else(|| text.to_owned()));
        edited.push('\n');
    }
    edited
}

fn is_entry(text: &str) -> bool {
    text.trim_start().starts_with('/')
}

/// The indented key, and the value, of a line that gives the command line.
fn command_line(text: &str) -> Option<(&str, &str)> {
    let (key, value) = text.split_once(':')?;
    (key.trim() == "cmdline").then(|| (key, value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MENU: &str = "timeout: 3\n\n/One\n    path: boot():/k\n    cmdline: a b\n\n/Two\n    cmdline: c -- d e\n";

    #[test]
    fn the_first_entry_gets_the_line() {
        let expected = "timeout: 3\n\n/One\n    cmdline: x y\n    path: boot():/k\n\n/Two\n    cmdline: c -- d e\n";
        assert_eq!(with_line(MENU, "x y"), expected);
    }

    #[test]
    fn every_entry_gets_the_words_before_the_arguments() {
        let menu = with_words(MENU, "log=debug");
        assert!(menu.contains("    cmdline: a b log=debug\n"), "{menu}");
        assert!(menu.contains("    cmdline: c log=debug -- d e\n"), "{menu}");
    }

    #[test]
    fn the_timeout_is_the_menus() {
        assert!(with_timeout(MENU, 0).starts_with("timeout: 0\n"));
        assert_eq!(with_timeout(MENU, 3), MENU);
    }
}
