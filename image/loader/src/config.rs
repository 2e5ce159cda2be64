//! `limine.cfg`: the syntax of Limine 8 and later (Limine's CONFIG.md).
//!
//! Understood: comments, macros, global `default_entry`, menu entries and directories, and of an entry with the
//! `limine` protocol `path` (`kernel_path`), `cmdline` (`kernel_cmdline`), `module_path` and `module_cmdline`
//! (`module_string`). Other options concern menus and screens, and are passed over.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use thiserror::Error;

/// Why a configuration cannot be booted from.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// The file is not UTF-8.
    #[error("limine.cfg is not text")]
    NotText,
    /// A `${` in this line has no closing brace.
    #[error("limine.cfg line {0}: malformed macro")]
    Macro(usize),
    /// A line is neither a comment, an entry, nor an option.
    #[error("limine.cfg line {0}: neither an entry (`/name`) nor an option (`name: value`)")]
    Syntax(usize),
    /// `default_entry` is not a number from 1 on.
    #[error("limine.cfg line {0}: default_entry is not a number from 1 up")]
    DefaultEntry(usize),
    /// There is no entry of this number, counting from 1.
    #[error("limine.cfg has no entry {0}")]
    NoEntry(usize),
    /// The entry wants another boot protocol.
    #[error("limine.cfg: entry `{0}` wants protocol `{1}`; this loader has only `limine`")]
    Protocol(String, String),
    /// The entry names no kernel.
    #[error("limine.cfg: entry `{0}` has no path")]
    NoPath(String),
    /// A module's command line precedes every module.
    #[error("limine.cfg line {0}: module_cmdline before any module_path")]
    NoModule(usize),
    /// The path is not on the boot volume.
    #[error("limine.cfg: `{0}` is not of the form boot():/path")]
    Resource(String),
}

/// A module that the configuration asks for.
#[derive(Debug, PartialEq, Eq)]
pub struct Module {
    /// Path on the boot volume, with a leading slash.
    pub path: String,
    /// The string that goes with it, often empty.
    pub cmdline: String,
}

/// What to boot: the default entry of a configuration.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// Path of the kernel on the boot volume, with a leading slash.
    pub kernel: String,
    /// Command line of the kernel.
    pub cmdline: String,
    /// Modules in the order of the file.
    pub modules: Vec<Module>,
}

/// An entry of the menu as it stands in the file.
#[derive(Default)]
struct Draft<'a> {
    name: &'a str,
    depth: usize,
    protocol: Option<&'a str>,
    kernel: Option<&'a str>,
    cmdline: &'a str,
    modules: Vec<(&'a str, &'a str)>,
}

/// Reads a configuration and gives its default entry.
///
/// # Errors
/// When the file is malformed or its default entry cannot be booted by this loader.
pub fn parse(file: &[u8]) -> Result<Entry, ConfigError> {
    let text = expand(core::str::from_utf8(file).map_err(|_| ConfigError::NotText)?)?;
    let mut default = 1;
    let mut drafts: Vec<Draft<'_>> = Vec::new();
    for (number, line) in lines(&text) {
        if let Some(title) = line.strip_prefix('/') {
            let name = title.trim_start_matches('/');
            let depth = title.len() - name.len();
            drafts.push(Draft {
                name: name.trim_start_matches('+').trim(),
                depth,
                ..Draft::default()
            });
            continue;
        }
        let (key, value) = line.split_once(':').ok_or(ConfigError::Syntax(number))?;
        let (key, value) = (key.trim(), value.trim());
        if key.eq_ignore_ascii_case("default_entry") {
            default = value
                .parse()
                .ok()
                .filter(|&n| n > 0)
                .ok_or(ConfigError::DefaultEntry(number))?;
        } else if let Some(draft) = drafts.last_mut() {
            set(draft, key, value, number)?;
        }
    }
    select(&drafts, default)?.finish()
}

fn set<'a>(
    draft: &mut Draft<'a>,
    key: &str,
    value: &'a str,
    line: usize,
) -> Result<(), ConfigError> {
    let is = |names: &[&str]| names.iter().any(|name| key.eq_ignore_ascii_case(name));
    if is(&["protocol"]) {
        draft.protocol = Some(value);
    } else if is(&["path", "kernel_path"]) {
        draft.kernel = Some(value);
    } else if is(&["cmdline", "kernel_cmdline"]) {
        draft.cmdline = value;
    } else if is(&["module_path"]) {
        draft.modules.push((value, ""));
    } else if is(&["module_cmdline", "module_string"]) {
        draft
            .modules
            .last_mut()
            .ok_or(ConfigError::NoModule(line))?
            .1 = value;
    }
    Ok(())
}

/// The entry that the menu shows at place `default`. A directory (an entry with a deeper one after it) has a place
/// of its own, and booting it boots its first entry.
fn select<'a, 'b>(drafts: &'b [Draft<'a>], default: usize) -> Result<&'b Draft<'a>, ConfigError> {
    let mut index = default - 1;
    while let Some(draft) = drafts.get(index) {
        match drafts.get(index + 1) {
            Some(next) if next.depth > draft.depth => index += 1,
            _ => return Ok(draft),
        }
    }
    Err(ConfigError::NoEntry(default))
}

impl Draft<'_> {
    fn finish(&self) -> Result<Entry, ConfigError> {
        match self.protocol {
            Some(protocol) if !protocol.eq_ignore_ascii_case("limine") => {
                return Err(ConfigError::Protocol(self.name.into(), protocol.into()));
            }
            _ => {}
        }
        let kernel = self
            .kernel
            .ok_or_else(|| ConfigError::NoPath(self.name.into()))?;
        let mut modules = Vec::new();
        for (path, cmdline) in &self.modules {
            modules.push(Module {
                path: boot_path(path)?,
                cmdline: cmdline.to_string(),
            });
        }
        Ok(Entry {
            kernel: boot_path(kernel)?,
            cmdline: self.cmdline.into(),
            modules,
        })
    }
}

/// `boot():/a/b#hash` is `/a/b`. The hash is not checked: archive and loader come from the same command.
fn boot_path(resource: &str) -> Result<String, ConfigError> {
    let path = resource
        .strip_prefix("boot():")
        .map(|rest| rest.split('#').next().unwrap_or(rest));
    match path {
        Some(path) if path.starts_with('/') => Ok(path.into()),
        _ => Err(ConfigError::Resource(resource.into())),
    }
}

/// Lines that say something, trimmed, with their numbers from 1.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()));
    numbered.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

/// Replaces each `${NAME}` by what a line `${NAME}=value` says, or by nothing.
fn expand(text: &str) -> Result<String, ConfigError> {
    let mut macros: Vec<(&str, &str)> = Vec::from([("ARCH", "x86-64")]);
    macros.extend(text.lines().filter_map(definition));
    let mut expanded = String::with_capacity(text.len());
    for (index, line) in text.lines().enumerate() {
        let mut rest = if definition(line).is_some() { "" } else { line };
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}').ok_or(ConfigError::Macro(index + 1))?;
            expanded.push_str(before);
            expanded.push_str(
                macros
                    .iter()
                    .rev()
                    .find(|(n, _)| *n == name)
                    .map_or("", |(_, v)| v),
            );
            rest = after;
        }
        expanded.push_str(rest);
        expanded.push('\n');
    }
    Ok(expanded)
}

fn definition(line: &str) -> Option<(&str, &str)> {
    line.trim().strip_prefix("${")?.split_once("}=")
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    const SAMPLE: &str = "timeout: 0\r\n# comment: 1\n\n/Braid\n    protocol: limine\n  Path: boot():/boot/kernel\n\
        \tmodule_path: boot():/boot/root.cpio#00ff\n    module_cmdline: root one\n  module_path: boot():/b\n cmdline: tori=2 a:b\n";

    #[test]
    fn reads_the_default_entry() {
        let entry = parse(SAMPLE.as_bytes()).unwrap();
        assert_eq!(entry.kernel, "/boot/kernel");
        assert_eq!(entry.cmdline, "tori=2 a:b");
        assert_eq!(entry.modules.len(), 2);
        assert_eq!(entry.modules[0].path, "/boot/root.cpio");
        assert_eq!(entry.modules[0].cmdline, "root one");
        assert_eq!(entry.modules[1].cmdline, "");
    }

    #[test]
    fn our_own_file_is_understood() {
        let entry = parse(include_bytes!("../../../limine.cfg")).unwrap();
        assert_eq!(entry.kernel, "/boot/braid-kernel");
        assert_eq!(entry.modules[0].path, "/boot/root.cpio");
    }

    #[test]
    fn picks_entries_and_first_of_a_directory() {
        let two = format!(
            "default_entry: 2\n{SAMPLE}/+Dir\ncomment: x\n//Sub\npath: boot():/sub\n/Last\npath: boot():/last\n"
        );
        assert_eq!(parse(two.as_bytes()).unwrap().kernel, "/sub");
        let last = two.replace("default_entry: 2", "default_entry: 4");
        assert_eq!(parse(last.as_bytes()).unwrap().kernel, "/last");
        let none = two.replace("default_entry: 2", "default_entry: 5");
        assert_eq!(parse(none.as_bytes()), Err(ConfigError::NoEntry(5)));
    }

    #[test]
    fn expands_macros() {
        let text =
            "${P}=boot():/k-${ARCH}\n${Q}=q\n/x\nkernel_path: boot():/k-${ARCH}${Q}${NONE}\n";
        assert_eq!(parse(text.as_bytes()).unwrap().kernel, "/k-x86-64q");
        assert_eq!(parse(b"/x\npath: ${ARCH\n"), Err(ConfigError::Macro(2)));
    }

    #[test]
    fn says_what_is_wrong() {
        let error = |text: &str| parse(text.as_bytes()).unwrap_err();
        assert_eq!(error(""), ConfigError::NoEntry(1));
        assert_eq!(error("/a\nnonsense\n"), ConfigError::Syntax(2));
        assert_eq!(
            error("/a\nprotocol: limine\n"),
            ConfigError::NoPath("a".into())
        );
        assert_eq!(error("/a\nmodule_cmdline: x\n"), ConfigError::NoModule(2));
        assert_eq!(error("default_entry: 0\n"), ConfigError::DefaultEntry(1));
        assert_eq!(
            error("/a\nprotocol: linux\npath: x\n"),
            ConfigError::Protocol("a".into(), "linux".into())
        );
        assert_eq!(
            error("/a\npath: hdd(1:1):/k\n"),
            ConfigError::Resource("hdd(1:1):/k".into())
        );
        assert_eq!(parse(&[0xff, 0xfe]), Err(ConfigError::NotText));
    }
}
