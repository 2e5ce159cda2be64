//! What of the known attacks on speculative execution a processor is open to, by what it says of itself (SDM vol. 4,
//! IA32_ARCH_CAPABILITIES; APM vol. 3, CPUID 8000_0008). The kernel mitigates none of them: this is for the log.

use core::fmt;

/// What the processor says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// It is AMD's or Hygon's, whose processors do not forward data across privilege levels as Intel's did.
    pub amd: bool,
    /// IA32_ARCH_CAPABILITIES; 0 without it.
    pub capabilities: u64,
    /// Transactions (RTM).
    pub transactions: bool,
    /// Branch prediction can be restricted (IBRS), fenced (IBPB), kept apart between threads of a core (STIBP); loads
    /// can be kept from bypassing stores (SSBD).
    pub controls: [bool; 4],
}

/// Names of [`Facts::controls`].
const CONTROLS: [&str; 4] = ["ibrs", "ibpb", "stibp", "ssbd"];

/// An attack, and when a processor is not open to it.
struct Attack {
    name: &'static str,
    /// Bits of IA32_ARCH_CAPABILITIES that all say no; 0: there are none.
    denied_by: u64,
    /// AMD's processors are not open to it.
    spares_amd: bool,
    /// It needs transactions.
    by_transactions: bool,
}

const fn attack(name: &'static str, denied_by: u64, spares_amd: bool) -> Attack {
    Attack {
        name,
        denied_by,
        spares_amd,
        by_transactions: false,
    }
}

const ATTACKS: [Attack; 11] = [
    attack("spectre-v1", 0, false),
    attack("spectre-v2", 0, false),
    attack("bhi", 1 << 20, true),
    attack("ssb", 1 << 4, false),
    attack("meltdown", 1, true),
    attack("l1tf", 1, true),
    attack("mds", 1 << 5, true),
    Attack {
        by_transactions: true,
        ..attack("taa", 1 << 8, true)
    },
    attack("mmio-stale-data", 7 << 13, true),
    attack("gds", 1 << 26, true),
    attack("rfds", 1 << 27, true),
];

impl Facts {
    /// The attacks that the processor does not say it is safe from, by name.
    pub fn open_to(&self) -> impl Iterator<Item = &'static str> {
        let (capabilities, amd, transactions) = (self.capabilities, self.amd, self.transactions);
        let open = move |attack: &&Attack| {
            let denied =
                attack.denied_by != 0 && capabilities & attack.denied_by == attack.denied_by;
            !(denied || attack.spares_amd && amd || attack.by_transactions && !transactions)
        };
        ATTACKS.iter().filter(open).map(|attack| attack.name)
    }
}

impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not mitigated:")?;
        for name in self.open_to() {
            write!(f, " {name}")?;
        }
        write!(f, "; capabilities {:#x}", self.capabilities)?;
        let controls = CONTROLS.iter().zip(self.controls);
        controls
            .filter(|(_, has)| *has)
            .try_for_each(|(name, _)| write!(f, " {name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;
    use std::vec::Vec;

    #[test]
    fn who_says_nothing_is_open_to_all() {
        let names: Vec<_> = Facts::default().open_to().collect();
        assert_eq!(names.len(), ATTACKS.len() - 1);
        assert!(!names.contains(&"taa"));
        let facts = Facts {
            transactions: true,
            ..Facts::default()
        };
        assert!(facts.open_to().any(|name| name == "taa"));
    }

    #[test]
    fn who_denies_all_is_open_to_spectre() {
        let facts = Facts {
            capabilities: u64::MAX,
            transactions: true,
            controls: [true, false, true, false],
            ..Facts::default()
        };
        assert!(facts.open_to().eq(["spectre-v1", "spectre-v2"]));
        let line =
            "not mitigated: spectre-v1 spectre-v2; capabilities 0xffffffffffffffff ibrs stibp";
        assert_eq!(facts.to_string(), line);
    }

    #[test]
    fn amd_does_not_forward() {
        let facts = Facts {
            amd: true,
            ..Facts::default()
        };
        assert!(facts.open_to().eq(["spectre-v1", "spectre-v2", "ssb"]));
    }

    #[test]
    fn stale_data_needs_all_three_denials() {
        let facts = |capabilities| Facts {
            capabilities,
            ..Facts::default()
        };
        assert!(
            facts(3 << 13)
                .open_to()
                .any(|name| name == "mmio-stale-data")
        );
        assert!(
            facts(7 << 13)
                .open_to()
                .all(|name| name != "mmio-stale-data")
        );
    }
}
