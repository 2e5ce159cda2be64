//! Files of the boot archive, put where the kernel may keep them.

use super::{LoadError, memory};
use alloc::{string::String, vec::Vec};
use braid_loader::{
    archive::{Archive, File},
    config::{Entry, Module},
    map::{Kind, MapError, MemoryMap, PAGE},
    protocol::Feature,
    requests::Requests,
};

/// Most internal modules that are believed.
const MAX_INTERNAL: u64 = 64;

/// Longest string of an internal module, bytes.
const MAX_STRING: usize = 4096;

/// Set in an internal module's flags when there must be no boot without it.
const REQUIRED: u64 = 1;

/// A file of the archive, or why there is none.
pub(super) fn find<'a>(archive: &Archive<'a>, path: &str) -> Result<File<'a>, LoadError> {
    archive
        .find(path)?
        .ok_or_else(|| LoadError::Missing(path.into()))
}

/// Gives the file memory that the kernel may keep, and its physical address: in place when it begins on a page
/// boundary, else a copy.
pub(super) fn keep(map: &mut MemoryMap, file: &File<'_>) -> Result<u64, MapError> {
    let at = memory::physical(file.data);
    let end = at + file.data.len() as u64;
    if at.is_multiple_of(PAGE)
        && map
            .convert(
                at,
                end,
                Kind::BootloaderReclaimable,
                Kind::ExecutableAndModules,
            )
            .is_some()
    {
        return Ok(at);
    }
    let copy = memory::take(
        map,
        file.data.len().max(1) as u64,
        PAGE,
        Kind::ExecutableAndModules,
    )?;
    copy[..file.data.len()].copy_from_slice(file.data);
    Ok(memory::physical(copy))
}

/// The modules to load, in the order of the response: the kernel's internal ones that exist, then the configuration's.
pub(super) fn modules(
    archive: &Archive<'_>,
    entry: Entry,
    requests: &Requests,
    image: &[u64],
    virtual_base: u64,
) -> Result<Vec<Module>, LoadError> {
    let mut modules = Vec::new();
    let view = Image {
        words: image,
        base: virtual_base,
    };
    let count = match requests.revision(image, Feature::Modules) {
        Some(1..) => requests.field(image, Feature::Modules, 0).unwrap_or(0),
        _ => 0,
    };
    let list = requests.field(image, Feature::Modules, 1).unwrap_or(0);
    let directory = entry
        .kernel
        .rsplit_once('/')
        .map_or("", |(directory, _)| directory);
    for index in 0..count.min(MAX_INTERNAL) {
        let bad = || LoadError::BadInternalModule(index);
        let [path, cmdline, flags] = view
            .internal_module(list.wrapping_add(8 * index))
            .ok_or_else(bad)?;
        let name = view.text(path).ok_or_else(bad)?;
        let path = if name.starts_with('/') {
            name
        } else {
            [directory, "/", &name].concat()
        };
        let cmdline = if cmdline == 0 {
            String::new()
        } else {
            view.text(cmdline).ok_or_else(bad)?
        };
        if flags & REQUIRED != 0 || archive.find(&path)?.is_some() {
            modules.push(Module { path, cmdline });
        }
    }
    modules.extend(entry.modules);
    Ok(modules)
}

/// The loaded image, read by virtual address.
struct Image<'a> {
    words: &'a [u64],
    base: u64,
}

impl Image<'_> {
    fn word(&self, address: u64) -> Option<u64> {
        let offset = address.checked_sub(self.base)?;
        if offset % 8 != 0 {
            return None;
        }
        self.words.get(offset as usize / 8).copied()
    }

    fn internal_module(&self, entry: u64) -> Option<[u64; 3]> {
        let module = self.word(entry)?;
        Some([
            self.word(module)?,
            self.word(module.checked_add(8)?)?,
            self.word(module.checked_add(16)?)?,
        ])
    }

    fn text(&self, address: u64) -> Option<String> {
        let mut bytes = Vec::new();
        for at in (address..).take(MAX_STRING) {
            let word = self.word(at & !7)?;
            match word.to_le_bytes()[at as usize % 8] {
                0 => return String::from_utf8(bytes).ok(),
                byte => bytes.push(byte),
            }
        }
        None
    }
}
