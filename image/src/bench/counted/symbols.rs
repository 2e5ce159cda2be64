//! Names of a kernel's code.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use braid_bench::record::Record;

use crate::symbolize;

/// The functions of a kernel.
#[derive(Debug)]
pub enum Symbols {
    /// Braid's ELF, with what was looked up already.
    Braid(Box<symbolize::Symbols>, RefCell<BTreeMap<u64, String>>),
    /// Linux's functions by address.
    Linux(BTreeMap<u64, String>),
}

/// Parts of Braid whose memory tori share on purpose.
const RINGS: [&str; 2] = ["(torus/src/ring.rs", "(kernel/tori/src/rings/"];
/// Where the sources of the kernel are.
const OWN: [&str; 3] = ["(kernel/", "(vm/", "(torus/"];

impl Symbols {
    /// Those of a kernel's ELF.
    #[must_use]
    pub fn braid(kernel: &Path) -> Symbols {
        Symbols::Braid(Box::new(symbolize::Symbols::of(kernel)), RefCell::default())
    }

    /// Those that Linux told.
    #[must_use]
    pub fn linux(records: &[Record]) -> Symbols {
        let symbols = records.iter().filter_map(|record| match record {
            Record::Symbol { address, name } => Some((*address, name.clone())),
            _ => None,
        });
        Symbols::Linux(symbols.collect())
    }

    /// The function at `pc`; 0 stands for user mode.
    #[must_use]
    pub fn function(&self, pc: u64) -> String {
        let found = match self {
            _ if pc == 0 => Some("(program)".to_owned()),
            Symbols::Braid(symbols, _) => symbols.function(pc),
            Symbols::Linux(functions) => functions
                .range(..=pc)
                .next_back()
                .map(|(_, name)| name.clone()),
        };
        found.unwrap_or_else(|| format!("{pc:#x}"))
    }

    /// The function at `pc`; on Braid with what was inlined there, files and lines, without what is not the kernel's own.
    #[must_use]
    pub fn place(&self, pc: u64) -> String {
        let Symbols::Braid(symbols, known) = self else {
            return self.function(pc);
        };
        if pc == 0 {
            return self.function(pc);
        }
        let mut known = known.borrow_mut();
        let describe = || own(&symbols.place(pc)?);
        known
            .entry(pc)
            .or_insert_with(|| describe().unwrap_or_else(|| self.function(pc)))
            .clone()
    }

    /// Whether the code at `pc` belongs to the rings.
    #[must_use]
    pub fn is_ring(&self, pc: u64) -> bool {
        let place = self.place(pc);
        RINGS.iter().any(|part| place.contains(part))
    }
}

/// Those functions of a place whose sources are the kernel's.
fn own(place: &str) -> Option<String> {
    let is_own = |function: &&str| OWN.iter().any(|part| function.contains(part));
    let functions: Vec<&str> = place.split(" in ").filter(is_own).collect();
    (!functions.is_empty()).then(|| functions.join(" in "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_function_before_an_address_is_its_own() {
        let symbol = |address, name: &str| Record::Symbol {
            address,
            name: name.to_owned(),
        };
        let symbols = Symbols::linux(&[symbol(16, "one"), symbol(32, "two")]);
        assert_eq!(symbols.function(31), "one");
        assert_eq!(symbols.place(32), "two");
        assert_eq!(symbols.function(8), "0x8");
        assert_eq!(symbols.function(0), "(program)");
        let place = "load (/rustc/1/library/core/atomic.rs:1) in tick (kernel/linux/src/wake.rs:2)";
        assert_eq!(
            own(place).as_deref(),
            Some("tick (kernel/linux/src/wake.rs:2)")
        );
    }
}
